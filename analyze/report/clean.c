#include "analyze/report/clean.h"

#include "base/text.h"

#include <string.h>

void clean_add(const char *text, struct strbuf *out)
{
	while (*text) {
		size_t length = strcspn(text, "\\");

		text_escape(span_make(text, length), out);
		text += length;
		for (; *text == '\\'; text++)
			strbuf_putc(out, '\\');
	}
}
