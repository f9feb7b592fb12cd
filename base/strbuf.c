#include "base/strbuf.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strbuf_deinit(struct strbuf *buf)
{
	free(buf->data);
	*buf = (struct strbuf){ 0 };
}

void strbuf_clear(struct strbuf *buf)
{
	buf->size = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void *strbuf_room(struct strbuf *buf, size_t size)
{
	size_t need = buf->size + size + 1;

	if (need > buf->capacity) {
		buf->capacity = need > buf->capacity * 2 ? need : buf->capacity * 2;
		if (buf->capacity < 64)
			buf->capacity = 64;
		buf->data = mem_resize(buf->data, buf->capacity, 1);
	}
	return buf->data + buf->size;
}

void strbuf_add(struct strbuf *buf, const void *data, size_t size)
{
	char *room = strbuf_room(buf, size);

	if (size)
		memcpy(room, data, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
}

void strbuf_puts(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_putc(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void strbuf_pad(struct strbuf *buf, char c, size_t count)
{
	memset(strbuf_room(buf, count), c, count);
	buf->size += count;
	buf->data[buf->size] = '\0';
}

void strbuf_vprintf(struct strbuf *buf, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length > 0) {
		vsnprintf(strbuf_room(buf, (size_t)length), (size_t)length + 1, format, again);
		buf->size += (size_t)length;
	}
	va_end(again);
}

void strbuf_printf(struct strbuf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strbuf_vprintf(buf, format, args);
	va_end(args);
}

const char *strbuf_text(const struct strbuf *buf)
{
	return buf->data ? buf->data : "";
}

struct span strbuf_span(const struct strbuf *buf)
{
	return span_make(buf->data, buf->size);
}

char *strbuf_take(struct strbuf *buf)
{
	char *text;

	strbuf_add(buf, "", 0);
	text = buf->data;
	*buf = (struct strbuf){ 0 };
	return text;
}
