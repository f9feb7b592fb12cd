/* text: the report as an engineer reads it on a terminal, or pastes it into a ticket. */
#ifndef ANALYZE_REPORT_TEXT_H
#define ANALYZE_REPORT_TEXT_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* As wide as it gets, and the narrowest terminal it fits. */
enum { TEXT_COLUMNS = TABLE_COLUMNS, TEXT_NARROWEST = 80 };

struct text_style {
	bool utf8;      /* bars of block characters; else of '#' */
	bool colour;    /* ANSI colours, for a terminal */
	size_t columns; /* of the terminal; 0, or out of the bounds above: the nearest of them */
};

/* Appends the report. Besides newlines and the colours asked for it holds no control byte. */
void text_render(const struct report *report, struct text_style style, struct strbuf *out);

#endif
