/* own_notes: what dumpcore put into the archive besides memory (archive/format.h). */
#ifndef ANALYZE_INPUT_OWN_NOTES_H
#define ANALYZE_INPUT_OWN_NOTES_H

#include "analyze/input/core.h"
#include "analyze/input/note.h"

/* Takes a note of owner FORMAT_NOTE_OWNER. What cannot be read is a trouble; of notes that may be
 * there once the first counts. The core's writer is dumpcore from the first such note on. */
void own_notes_take(struct core *core, const struct note *note);

/* To be called after the last note: names the threads after their documents "task/TID/comm", takes
 * the capture's page size, process and gaps, and says where the capture is not complete. */
void own_notes_finish(struct core *core);

#endif
