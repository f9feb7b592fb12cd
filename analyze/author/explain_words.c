/* The words an explanation is made of: its reason, structure words, kinds of bytes. */
#include "analyze/author/explain_text.h"
#include "base/size.h"
#include "base/text.h"

#include <ctype.h>
#include <elf.h>
#include <inttypes.h>

static const char *const names[EXPLAIN_VERDICTS] = {
	[EXPLAIN_HIT] = "hit",
	[EXPLAIN_TARGET] = "target",
	[EXPLAIN_STATE] = "state",
	[EXPLAIN_SIZE] = "size",
	[EXPLAIN_NOT_THERE] = "not-there",
	[EXPLAIN_NO_KEYWORD] = "no-keyword",
	[EXPLAIN_ANCHOR] = "anchor",
	[EXPLAIN_PATTERN] = "pattern",
	[EXPLAIN_UNDECIDED] = "undecided",
	[EXPLAIN_VALIDATOR] = "validator",
	[EXPLAIN_STRUCTURE] = "structure",
};

const char *explain_verdict_name(enum explain_verdict verdict)
{
	return names[verdict];
}

const char *explain_byte_kind(int byte)
{
	if (byte < 0)
		return "the end of the bytes";
	if (byte == 0)
		return "a NUL";
	if (byte >= 0x80)
		return "a byte from 80 on";
	if (byte == '\n' || byte == '\r')
		return "a line end";
	if (byte == ' ' || byte == '\t')
		return "a blank";
	if (isdigit(byte))
		return "a digit";
	if (isalpha(byte))
		return "a letter";
	return ispunct(byte) ? "punctuation" : "a control byte";
}

static void put_range(struct word_range range, struct strbuf *out)
{
	if (range.min == range.max) {
		strbuf_printf(out, "%" PRIu64, range.min);
		return;
	}
	if (range.min)
		strbuf_printf(out, "%" PRIu64, range.min);
	strbuf_puts(out, "..");
	if (range.max != UINT64_MAX)
		strbuf_printf(out, "%" PRIu64, range.max);
}

void explain_word(const struct structure_word *word, struct strbuf *out)
{
	static const char *const types[] = { "u8", "u16", "u32", "u64", "ptr" };
	static const char *const targets[] = { "any", "mapped", "chunk-start", "self", "free", "end" };

	strbuf_puts(out, types[word->type]);
	if (word->type == WORD_PTR)
		strbuf_printf(out, " to %s", targets[word->to]);
	if (word->has_in) {
		strbuf_puts(out, " in ");
		put_range(word->in, out);
	}
	if (word->to == WORD_TO_CHUNK_START && (word->size.min || word->size.max != UINT64_MAX)) {
		strbuf_puts(out, ", size ");
		put_range(word->size, out);
	}
	if (word->has_back)
		strbuf_printf(out, ", whose word at %u points back", word->back);
	if (word->null)
		strbuf_puts(out, ", or null");
}

static bool is_mapped(const struct structure_tables *tables, uint64_t value)
{
	return (tables->regions && regions_find(tables->regions, value)) ||
		   image_has(tables->image, value, 1);
}

/* Six letters are an address too, but hardly one that is mapped. */
bool explain_shows(const struct structure_tables *tables, uint64_t value)
{
	if (value >> 48)
		return false;
	return !text_is_word(value) || (tables->image->word == 8 && is_mapped(tables, value));
}

void explain_pointer(const struct structure_tables *tables, uint64_t value, struct strbuf *out)
{
	struct chunk chunk;

	if (!value) {
		strbuf_puts(out, "null");
	} else if (chunk_table_find(tables->chunks, value, &chunk)) {
		vaddr payload = chunk.address + tables->chunks->header_bytes;

		strbuf_printf(out, "%s of a chunk of %" PRIu64 " bytes, %s",
					  value == payload  ? "the start"
					  : value > payload ? "the inside"
										: "the header",
					  chunk.bytes, chunk_state_name(chunk.state));
	} else {
		strbuf_puts(out, is_mapped(tables, value) ? "mapped memory, no chunk" : "not mapped");
	}
}

static const char *machine_name(uint32_t machine)
{
	return machine == EM_X86_64    ? "x86_64"
		   : machine == EM_386     ? "i386"
		   : machine == EM_AARCH64 ? "aarch64"
		   : machine == EM_ARM     ? "arm"
								   : "another machine";
}

static void put_target(const struct explain_report *report, struct strbuf *out)
{
	const struct rule_scan *scan = &report->explain->rule->scan;
	const struct image *image = report->tables->image;

	strbuf_puts(out, "the rule is for ");
	if (scan->machine)
		strbuf_printf(out, "%s%s", machine_name(scan->machine), scan->word ? ", " : "");
	if (scan->word)
		strbuf_printf(out, "words of %u bits", scan->word * 8);
	strbuf_printf(out, "; the process is %s, of %u bits", machine_name(image->machine),
				  image->word * 8);
}

static void put_state(const struct explain *explain, struct strbuf *out)
{
	const char *comma = "";

	strbuf_printf(out, "the chunk is %s; the rule looks at ",
				  chunk_state_name(explain->chunk.state));
	for (unsigned i = 0; i < CHUNK_STATES; i++)
		if (explain->rule->scan.states >> i & 1) {
			strbuf_printf(out, "%s%s", comma, chunk_state_name((enum chunk_state)i));
			comma = ", ";
		}
}

static void put_anchor(const struct explain *explain, struct strbuf *out)
{
	if (explain->rule->scan.anchor == RULE_ANCHOR_CHUNK_START)
		strbuf_puts(out, explain->rule->keywords.count
							 ? "a keyword stands in the chunk, but not where a match from its "
							   "start could hold it (anchor: chunk-start)"
							 : "the chunk's first byte is not there (anchor: chunk-start)");
	else
		strbuf_puts(out, "a keyword stands in the chunk, but a match that holds it would start "
						 "before it");
}

static void put_structure(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const struct structure_failure *failure = &explain->failure;
	const struct structure_word *word;

	if (!explain->has_failure) {
		strbuf_puts(out, "the structure has no place in it");
		return;
	}
	word = &explain->rule->structure.words.items[failure->word];
	strbuf_printf(out, "the word at +%u ", word->at);
	if (!failure->is_there)
		strbuf_puts(out, "is not there");
	else if (!explain_shows(report->tables, failure->value))
		strbuf_puts(out,
					text_is_word(failure->value) ? "is text" : "is a number of more than 48 bits");
	else if (word->type == WORD_PTR)
		strbuf_printf(out, "is 0x%" PRIx64 " (", failure->value);
	else
		strbuf_printf(out, "is %" PRIu64, failure->value);
	if (failure->is_there && word->type == WORD_PTR &&
		explain_shows(report->tables, failure->value)) {
		explain_pointer(report->tables, failure->value, out);
		strbuf_putc(out, ')');
	}
	strbuf_puts(out, "; the rule wants ");
	explain_word(word, out);
}

static void put_hits(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	const struct explain_rival *winner = NULL;
	size_t count = 0;
	char text[COUNT_TEXT];

	for (size_t i = 0; i < explain->hits.count; i++)
		count += !explain->hits.items[i].overlapped;
	for (size_t i = 0; i < report->rivals.count && !winner; i++)
		if (report->rivals.items[i].wins)
			winner = &report->rivals.items[i];
	strbuf_puts(out, count_of(count, "hit", text));
	if (winner)
		strbuf_printf(out, ", but %s has bytes of %s", winner->rule, count == 1 ? "it" : "them");
}

void explain_reason(const struct explain_report *report, struct strbuf *out)
{
	const struct explain *explain = report->explain;
	char text[COUNT_TEXT];

	switch (explain->verdict) {
	case EXPLAIN_TARGET:
		return put_target(report, out);
	case EXPLAIN_STATE:
		return put_state(explain, out);
	case EXPLAIN_SIZE:
		strbuf_printf(out, "the chunk has %" PRIu64 " bytes; the rule looks at sizes ",
					  explain->chunk.bytes);
		return put_range(explain->rule->scan.sizes, out);
	case EXPLAIN_NOT_THERE:
		return strbuf_puts(out, "none of the chunk's bytes are in the file, or resident");
	case EXPLAIN_NO_KEYWORD:
		return strbuf_puts(out, "none of the rule's keywords stands in the chunk");
	case EXPLAIN_ANCHOR:
		return put_anchor(explain, out);
	case EXPLAIN_PATTERN:
		strbuf_printf(out, "the pattern did not match at %s",
					  explain->tried + explain->first_byte == 1 ? "the one place where it could"
																: "any of ");
		if (explain->tried + explain->first_byte != 1)
			strbuf_puts(out, count_of(explain->tried + explain->first_byte, "place", text));
		return;
	case EXPLAIN_UNDECIDED:
		return strbuf_printf(out, "undecided: the pattern hit its match limit at %s",
							 count_of(explain->undecided, "place", text));
	case EXPLAIN_VALIDATOR:
		return strbuf_printf(out, "the pattern matched, and the validator %s refused it",
							 explain->refusals[0].validator->name);
	case EXPLAIN_STRUCTURE:
		return put_structure(report, out);
	default:
		return put_hits(report, out);
	}
}
