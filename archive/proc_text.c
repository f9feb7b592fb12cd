#include "archive/proc_text.h"

#include <string.h>

/* A text being read: numbers and words of one line. Never reads past its end. */
struct line {
	struct span text;
	size_t at;
};

static int peek(const struct line *line)
{
	return line->at < line->text.size ? line->text.data[line->at] : -1;
}

static void skip_blanks(struct line *line)
{
	while (peek(line) == ' ' || peek(line) == '\t')
		line->at++;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number in base 10 or 16 without prefix; false where there is none or it passes 64 bits. */
static bool take_number(struct line *line, unsigned base, uint64_t *value)
{
	size_t start = line->at;

	*value = 0;
	for (; peek(line) >= 0; line->at++) {
		int digit = hex_digit(peek(line));

		if (digit < 0 || (unsigned)digit >= base)
			break;
		if (*value > (UINT64_MAX - (unsigned)digit) / base)
			return false;
		*value = *value * base + (unsigned)digit;
	}
	return line->at > start;
}

static bool take_char(struct line *line, char c)
{
	if (peek(line) != c)
		return false;
	line->at++;
	return true;
}

static struct span take_word(struct line *line)
{
	size_t start;

	skip_blanks(line);
	start = line->at;
	while (peek(line) >= 0 && peek(line) != ' ' && peek(line) != '\t')
		line->at++;
	return span_part(line->text, start, line->at - start);
}

static bool take_protection(struct line *line, unsigned *protection)
{
	struct span word = take_word(line);

	if (word.size != 4)
		return false;
	*protection =
		(word.data[0] == 'r' ? MAPPING_READ : 0U) | (word.data[1] == 'w' ? MAPPING_WRITE : 0U) |
		(word.data[2] == 'x' ? MAPPING_EXECUTE : 0U) | (word.data[3] == 's' ? MAPPING_SHARED : 0U);
	return true;
}

static bool is_octal(const uint8_t *c)
{
	return c[0] >= '0' && c[0] <= '3' && c[1] >= '0' && c[1] <= '7' && c[2] >= '0' && c[2] <= '7';
}

/* A copy without the kernel's octal escapes (fs/seq_file.c, seq_path: newline as \012). */
static char *decode_path(struct span text, struct pool *pool)
{
	char *path = pool_span(pool, text), *out = path;

	for (size_t i = 0; i < text.size; i++) {
		const uint8_t *c = &text.data[i];

		if (*c == '\\' && text.size - i > 3 && is_octal(c + 1)) {
			*out++ = (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
			i += 3;
		} else {
			*out++ = (char)*c;
		}
	}
	*out = '\0';
	return path;
}

static void take_path(struct line *line, struct pool *pool, struct mapping *mapping)
{
	static const char suffix[] = " (deleted)";
	struct span text;
	size_t cut = sizeof suffix - 1;

	skip_blanks(line);
	text = span_part(line->text, line->at, SIZE_MAX - line->at);
	if (text.size > cut && memcmp(text.data + text.size - cut, suffix, cut) == 0) {
		mapping->deleted = true;
		text.size -= cut;
	}
	mapping->path = text.size ? decode_path(text, pool) : "";
}

/* "55d0c0a00000-55d0c0a21000 rw-p 00000000 fd:00 1234   /path": fs/proc/task_mmu.c,
 * show_map_vma. */
static bool take_mapping(struct span text, struct pool *pool, struct mapping *mapping)
{
	struct line line = { text, 0 };
	uint64_t offset, inode;

	*mapping = (struct mapping){ .path = "" };
	if (!take_number(&line, 16, &mapping->range.start) || !take_char(&line, '-') ||
		!take_number(&line, 16, &mapping->range.end) || !take_char(&line, ' ') ||
		!take_protection(&line, &mapping->protection))
		return false;
	skip_blanks(&line);
	if (!take_number(&line, 16, &offset) || take_word(&line).size < 3)
		return false;
	skip_blanks(&line);
	if (!take_number(&line, 10, &inode) || mapping->range.start >= mapping->range.end)
		return false;
	mapping->file_offset = offset;
	mapping->inode = inode;
	take_path(&line, pool, mapping);
	return true;
}

struct count_row {
	const char *key;
	size_t field; /* offset of a uint64_t in struct mapping */
};

static const struct count_row count_rows[] = {
	{ "Rss", offsetof(struct mapping, resident_bytes) },
	{ "Anonymous", offsetof(struct mapping, anonymous_bytes) },
	{ "Swap", offsetof(struct mapping, swapped_bytes) },
	{ "AnonHugePages", offsetof(struct mapping, huge_bytes) },
};

static bool key_is(struct span key, const char *name)
{
	return span_equal(key, span_string(name));
}

/* The number of a value such as "  132 kB" or "7". */
static bool read_value(struct span text, uint64_t *value)
{
	struct line line = { text, 0 };
	struct span unit;

	skip_blanks(&line);
	if (!take_number(&line, 10, value))
		return false;
	unit = take_word(&line);
	if (!key_is(unit, "kB"))
		return true;
	if (*value > UINT64_MAX / 1024)
		return false;
	*value *= 1024;
	return true;
}

static void set_flags(struct mapping *mapping, struct span value)
{
	size_t size = value.size < sizeof mapping->vm_flags ? value.size : sizeof mapping->vm_flags - 1;

	if (size)
		memcpy(mapping->vm_flags, value.data, size);
	mapping->vm_flags[size] = '\0';
}

static struct span trim(struct span text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = span_part(text, 1, text.size - 1);
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t' ||
						 text.data[text.size - 1] == '\r'))
		text.size--;
	return text;
}

/* Splits "Key:   value"; false where there is no colon. */
static bool split_field(struct span text, struct span *key, struct span *value)
{
	const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
	size_t length;

	if (!colon)
		return false;
	length = (size_t)(colon - text.data);
	*key = span_part(text, 0, length);
	*value = trim(span_part(text, length + 1, text.size - length - 1));
	return true;
}

/* A line of smaps below its mapping line. Keys start with a capital letter; those of later kernels
 * that this program does not know pass. */
static bool take_field(struct span text, struct mapping *mapping)
{
	struct span key, value;

	if (!text.size || text.data[0] < 'A' || text.data[0] > 'Z' || !split_field(text, &key, &value))
		return false;
	if (key_is(key, "VmFlags"))
		set_flags(mapping, value);
	for (size_t i = 0; i < sizeof count_rows / sizeof *count_rows; i++)
		if (key_is(key, count_rows[i].key)) {
			mapping->has_counts = true;
			return read_value(value, (uint64_t *)(void *)((char *)mapping + count_rows[i].field));
		}
	return true;
}

/* True where the text's last line has no newline: the reader of /proc was cut off in it. */
static bool is_cut_short(struct span text, struct span line)
{
	return line.data + line.size == text.data + text.size;
}

bool proc_text_mappings(struct span text, struct pool *pool, mappings *out, struct err *err)
{
	struct cursor cursor = cursor_make(text, false);
	struct mapping mapping;
	struct span line;

	for (size_t number = 1; cursor_line(&cursor, &line); number++) {
		bool is_field = line.size && line.data[0] >= 'A' && line.data[0] <= 'Z';

		if (!line.size || is_cut_short(text, line))
			continue;
		if (is_field && out->count && take_field(line, &out->items[out->count - 1]))
			continue;
		if (is_field || !take_mapping(line, pool, &mapping))
			return err_set(err, ERR_FORMAT, "maps line %zu is neither a mapping nor a field",
						   number);
		*vec_add(out) = mapping;
	}
	return true;
}

struct span proc_text_value(struct span text, const char *key)
{
	struct cursor cursor = cursor_make(text, false);
	struct span line, name, value;

	while (cursor_line(&cursor, &line))
		if (split_field(line, &name, &value) && key_is(name, key))
			return value;
	return (struct span){ 0 };
}

bool proc_text_number(struct span text, const char *key, uint64_t *value)
{
	struct span found = proc_text_value(text, key);

	return found.size && read_value(found, value);
}

bool mapping_has_flag(const struct mapping *mapping, const char flag[2])
{
	for (const char *at = mapping->vm_flags; at[0] && at[1]; at += at[2] ? 3 : 2)
		if (at[0] == flag[0] && at[1] == flag[1])
			return true;
	return false;
}
