/* size: byte counts and durations as people write and read them. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Room for any formatted size: "1023.9 GiB" and a NUL. */
enum { SIZE_TEXT = 24 };

/* Writes bytes in IEC units: "0 B", "512 B", "1.5 KiB", "132 MiB", "2.07 GiB" (three digits).
 * Gives text. */
const char *size_format(uint64_t bytes, char text[SIZE_TEXT]);

/* Reads "4096", "64K", "1.5G", "2GiB" (K, M, G, T, P; optional iB or B; all of 1024).
 * False where the text is not a size or passes 64 bits. */
bool size_parse(const char *text, uint64_t *bytes);

/* Writes a count with thousands separators: "1,234,567". */
const char *count_format(uint64_t count, char text[SIZE_TEXT + 8]);

/* Room for a count and its noun. */
enum { COUNT_TEXT = SIZE_TEXT + 40 };

/* Writes a count and what is counted: "1 chunk", "1,234 chunks". The noun takes an s and has at
 * most 30 bytes. Gives text. */
const char *count_of(uint64_t count, const char *noun, char text[COUNT_TEXT]);

#endif
