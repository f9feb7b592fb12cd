#include "analyze/report/show_text.h"

#include "analyze/report/clean.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

static void add_offset(int64_t offset, struct strbuf *out)
{
	strbuf_printf(out, "%c0x%llx", offset < 0 ? '-' : '+', (unsigned long long)llabs(offset));
}

static void add_place(const struct show_place *place, struct strbuf *out)
{
	if (place->chunk) {
		strbuf_printf(out, "chunk 0x%" PRIvaddr, place->chunk);
		add_offset(place->offset, out);
		strbuf_printf(out, " (%llu bytes, %s)", (unsigned long long)place->bytes, place->state);
		return;
	}
	clean_add(place->name, out);
	if (place->address)
		strbuf_printf(out, " [0x%" PRIvaddr "]", place->address);
}

static void add_head(const struct show *show, struct strbuf *out)
{
	char size[SIZE_TEXT];

	strbuf_printf(out, "Chunk 0x%" PRIvaddr ", %s, of %llu bytes (", show->user, show->state,
				  (unsigned long long)show->bytes);
	if (show->bytes >= 1024)
		strbuf_printf(out, "%s, ", size_format(show->bytes, size));
	strbuf_printf(out, "%llu usable)\n", (unsigned long long)show->usable_bytes);
	if (show->offset) {
		strbuf_printf(out, "  0x%" PRIvaddr " is at ", show->address);
		add_offset(show->offset, out);
		strbuf_puts(out, show->offset < 0 ? " (its header)\n" : " of it\n");
	}
	if (show->also)
		strbuf_printf(out,
					  "  0x%" PRIvaddr " is the last word of the chunk 0x%" PRIvaddr " as well\n",
					  show->address, show->also);
}

static void add_arena(const struct show *show, struct strbuf *out)
{
	if (!show->has_arena) {
		strbuf_puts(out, "  arena    none: it has a mapping of its own\n");
		return;
	}
	strbuf_printf(out, "  arena    %u (%s, 0x%" PRIvaddr ")", show->arena.index,
				  show->arena.main ? "main" : "secondary", show->arena.address);
	strbuf_puts(out, show->arena.threads.count ? ", used by " : ", of no thread that is known");
	for (size_t i = 0; i < show->arena.threads.count && i < 5; i++) {
		strbuf_puts(out, i ? ", " : "");
		clean_add(show->arena.threads.items[i].name, out);
		strbuf_printf(out, " (%u)", show->arena.threads.items[i].tid);
	}
	if (show->arena.threads.count > 5)
		strbuf_printf(out, " and %zu more", show->arena.threads.count - 5);
	strbuf_putc(out, '\n');
}

static void add_rules(const struct show *show, struct strbuf *out)
{
	if (!show->rules.count && !show->more_hits)
		strbuf_printf(out, "  rules    %s\n", show->rules_applied ? "no hit" : "none were applied");
	for (size_t i = 0; i < show->rules.count; i++) {
		const struct show_rule *rule = &show->rules.items[i];

		strbuf_printf(out, "  %-8s %s: %llu hit%s", i ? "" : "rules", rule->id,
					  (unsigned long long)rule->hits, rule->hits == 1 ? "" : "s");
		strbuf_puts(out, *rule->key ? ", " : "");
		clean_add(rule->key, out);
		strbuf_putc(out, '\n');
	}
	if (show->more_hits)
		strbuf_printf(out, "           and %llu more hits (--limit)\n",
					  (unsigned long long)show->more_hits);
}

static void add_content(const struct show *show, struct strbuf *out)
{
	const struct show_content *content = &show->content;

	strbuf_printf(out, "  content  %llu bytes: %llu zero, %llu text, %llu other",
				  (unsigned long long)content->captured, (unsigned long long)content->zeros,
				  (unsigned long long)content->text, (unsigned long long)content->other);
	if (content->captured < show->usable_bytes)
		strbuf_printf(out, "; %llu not captured",
					  (unsigned long long)(show->usable_bytes - content->captured));
	strbuf_printf(out,
				  "\n           words: %llu pointers, %llu zero, %llu numbers, %llu text, "
				  "%llu other\n",
				  (unsigned long long)content->pointers, (unsigned long long)content->zero_words,
				  (unsigned long long)content->integers, (unsigned long long)content->text_words,
				  (unsigned long long)content->data_words);
}

static void add_more(uint64_t total, size_t shown, struct strbuf *out)
{
	if (total > shown)
		strbuf_printf(out, "  and %llu more (--limit)\n", (unsigned long long)(total - shown));
}

/* The references of one direction, which the arrow shows. */
static void add_list(const struct show_references *list, const char *arrow, struct strbuf *out)
{
	for (size_t i = 0; i < list->items.count; i++) {
		const struct show_reference *reference = &list->items.items[i];

		strbuf_printf(out, "  +0x%-6llx %s ", (unsigned long long)reference->offset, arrow);
		add_place(&reference->place, out);
		strbuf_putc(out, '\n');
	}
	add_more(list->total, list->items.count, out);
}

static void add_references(const struct show *show, struct strbuf *out)
{
	strbuf_printf(out, "\nPOINTS TO (%llu)\n", (unsigned long long)show->outgoing.total);
	if (!show->is_live && show->outgoing.total)
		strbuf_puts(out,
					"  it is not in use: these were left there, or are malloc's own links, which "
					"lead to headers\n");
	add_list(&show->outgoing, "->", out);
	strbuf_printf(out, "\nPOINTED TO BY (%llu)\n", (unsigned long long)show->incoming.total);
	add_list(&show->incoming, "<-", out);
	if (show->stale)
		strbuf_printf(out,
					  "  not counted: %llu in freed chunks, left there or malloc's own links\n",
					  (unsigned long long)show->stale);
}

static void add_chain(const struct show *show, struct strbuf *out)
{
	size_t tail;

	if (!show->is_live)
		return;
	strbuf_puts(out, "\nCHAIN FROM A ROOT\n");
	if (!show->chain_known)
		strbuf_puts(out, "  not looked for: there are more than 4 billion chunks\n");
	else if (!show->chain_length)
		strbuf_printf(out, "  none: it is unreachable%s\n",
					  show->missing.count ? " as far as the file tells (below)" : "");
	tail = (size_t)(show->chain_length - show->chain_from);
	for (size_t i = 0; i <= show->chain.count; i++) {
		if (i + tail == show->chain.count && show->chain.count < show->chain_length)
			strbuf_printf(out, "  ... %llu more (--limit) ...\n",
						  (unsigned long long)(show->chain_length - show->chain.count));
		if (i == show->chain.count)
			break;
		strbuf_puts(out, i ? "  -> " : "  ");
		add_place(&show->chain.items[i], out);
		strbuf_putc(out, '\n');
	}
	if (show->chain_length)
		strbuf_puts(out, "  -> this chunk\n");
}

static void add_missing(const struct show *show, struct strbuf *out)
{
	if (show->missing.count)
		strbuf_puts(out, "\nWHAT MAY HOLD IT AND WAS NOT CAPTURED\n");
	for (size_t i = 0; i < show->missing.count; i++) {
		strbuf_puts(out, "  - ");
		clean_add(show->missing.items[i], out);
		strbuf_putc(out, '\n');
	}
}

void show_text_render(const struct show *show, struct strbuf *out)
{
	if (!show->is_chunk) {
		strbuf_printf(out, "0x%" PRIvaddr " is in no chunk: ", show->address);
		clean_add(show->place.name, out);
		strbuf_putc(out, '\n');
		if (*show->place.module) {
			strbuf_puts(out, "  file     ");
			clean_add(show->place.module, out);
			strbuf_putc(out, '\n');
		}
		return;
	}
	add_head(show, out);
	add_arena(show, out);
	add_rules(show, out);
	add_content(show, out);
	add_references(show, out);
	add_chain(show, out);
	add_missing(show, out);
	if (show->revealed) {
		strbuf_puts(out, "\nBYTES\n");
		strbuf_puts(out, show->revealed);
	}
}
