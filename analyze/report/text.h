/* text: the report as an engineer pastes it into a ticket: at most TEXT_COLUMNS wide. */
#ifndef ANALYZE_REPORT_TEXT_H
#define ANALYZE_REPORT_TEXT_H

#include "analyze/report/model.h"
#include "analyze/report/table.h"
#include "base/strbuf.h"

#include <stdbool.h>

enum { TEXT_COLUMNS = TABLE_COLUMNS };

struct text_style {
	bool utf8;   /* bars of block characters; else of '#' */
	bool colour; /* ANSI colours, for a terminal */
};

/* Appends the report. Besides newlines and the colours asked for it holds no control byte. */
void text_render(const struct report *report, struct text_style style, struct strbuf *out);

#endif
