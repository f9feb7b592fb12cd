/* reference_library: a shared object with data of its own, for reference_target to store into. */
void *reference_library_slot;
