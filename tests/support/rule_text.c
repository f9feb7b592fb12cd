#include "tests/support/rule_text.h"

#include "analyze/author/rule_check.h"
#include "base/file.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The file is a memfd; its path is the descriptor's. */
static void replace_path(struct strbuf *out, const char *message, const char *path)
{
	const char *found;

	while ((found = strstr(message, path))) {
		strbuf_add(out, message, (size_t)(found - message));
		strbuf_puts(out, "FILE");
		message = found + strlen(path);
	}
	strbuf_puts(out, message);
	strbuf_putc(out, '\n');
}

static void collect(struct rule_text *text, const char *path)
{
	strbuf_clear(&text->all);
	strbuf_clear(&text->full);
	for (size_t i = 0; i < text->messages.count; i++) {
		char *line =
			strndup(text->messages.items[i].text, strcspn(text->messages.items[i].text, "\n"));

		replace_path(&text->all, line, path);
		replace_path(&text->full, text->messages.items[i].text, path);
		free(line);
	}
}

void rule_text_load(struct rule_text *text, struct span bytes)
{
	int fd = memfd_create("rules", MFD_CLOEXEC);
	char path[64];
	const char *paths[] = { path };

	*text = (struct rule_text){ 0 };
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	file_write(fd, bytes.data, bytes.size);
	text->set = rule_set_create(paths, 1, &text->messages, &text->err);
	close(fd);
	collect(text, path);
}

void rule_text_load_rule(struct rule_text *text, const char *rule)
{
	struct strbuf file = { 0 };

	strbuf_puts(&file, "format: 1\nnamespace: t\nrules:\n");
	strbuf_puts(&file, rule);
	rule_text_load(text, strbuf_span(&file));
	strbuf_deinit(&file);
}

void rule_text_check(struct rule_text *text)
{
	char path[64] = "";

	rule_set_check(text->set, &text->messages);
	/* the descriptor's path stands at the start of every message */
	for (size_t i = 0; i < text->messages.count && !path[0]; i++)
		sscanf(text->messages.items[i].text, "%63[^:]", path);
	if (path[0])
		collect(text, path);
}

void rule_text_deinit(struct rule_text *text)
{
	rule_set_destroy(text->set);
	vec_deinit(&text->messages);
	strbuf_deinit(&text->all);
	strbuf_deinit(&text->full);
}

void rule_text_load_sound(struct rule_text *text, const char *rules)
{
	rule_text_load_rule(text, rules);
	assert_string_equal(strbuf_text(&text->all), "");
}
