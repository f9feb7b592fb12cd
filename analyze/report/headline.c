#include "analyze/report/headline.h"

#include "base/size.h"

#include <string.h>

void headline_title(const struct report *report, struct strbuf *out)
{
	const struct report_evidence *evidence = &report->evidence;

	strbuf_printf(out, "Memory of %s", *evidence->comm ? evidence->comm : "a process");
	if (evidence->pid)
		strbuf_printf(out, ", pid %u", evidence->pid);
	if (*evidence->host)
		strbuf_printf(out, ", on %s", evidence->host);
}

void headline_evidence(const struct report_evidence *evidence, struct strbuf lines[HEADLINE_LINES])
{
	char size[SIZE_TEXT];
	bool is_ours = strcmp(evidence->writer, "dumpcore") == 0;

	/* what another writer meant to be in its core nobody can say */
	strbuf_printf(&lines[0], "%s, %s, %s: %s.", evidence->file, size_format(evidence->bytes, size),
				  is_ours ? "an archive of dumpcore" : "a core of another writer",
				  !evidence->complete ? "INCOMPLETE"
				  : is_ours           ? "complete"
									  : "not cut short");
	if (*evidence->captured_at)
		strbuf_printf(&lines[1], "Captured %s, Linux %s, consistency %s", evidence->captured_at,
					  evidence->kernel, evidence->consistency);
	if (*evidence->captured_at && evidence->has_pause)
		strbuf_printf(&lines[1], ", stopped for %.1f ms", evidence->pause_ms);
	if (*evidence->exe)
		strbuf_printf(&lines[1], "%s%s", lines[1].size ? "; program " : "Program ", evidence->exe);
	if (lines[1].size)
		strbuf_putc(&lines[1], '.');
	if (*evidence->glibc_generation)
		strbuf_printf(&lines[2], "Heap of %s%s%s.", evidence->glibc_generation,
					  *evidence->glibc_basis ? ": " : "", evidence->glibc_basis);
}
