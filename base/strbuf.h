/* strbuf: a growing byte string, always NUL-terminated after its first append. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include "base/span.h"

#include <stdarg.h>
#include <stddef.h>

/* Zero-initialised is empty. Bytes may hold NULs; `size` counts without the terminator. */
struct strbuf {
	char *data;
	size_t size;
	size_t capacity;
};

void strbuf_deinit(struct strbuf *buf);

/* Empties it and keeps its memory. */
void strbuf_clear(struct strbuf *buf);

void strbuf_add(struct strbuf *buf, const void *data, size_t size);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_putc(struct strbuf *buf, char c);

/* `count` times the character. */
void strbuf_pad(struct strbuf *buf, char c, size_t count);

void strbuf_printf(struct strbuf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Makes room for `size` more bytes and gives the address of the first; the caller fills them and
 * adds what it filled to buf->size. */
void *strbuf_room(struct strbuf *buf, size_t size);

/* The text as a C string ("" when empty), valid until the next change. */
const char *strbuf_text(const struct strbuf *buf);

struct span strbuf_span(const struct strbuf *buf);

/* Hands the text over to the caller, who frees it; leaves the buffer empty. */
char *strbuf_take(struct strbuf *buf);

#endif
