#include "analyze/rules/rule_tree.h"

#include "base/strbuf.h"
#include "base/text.h"

#include <yaml.h>

struct builder {
	const struct rule_source *source;
	struct pool *pool;
	struct rule_sink *sink;
	struct tree_node *root;
	struct tree_node *open[TREE_MAX_DEPTH];
	struct tree_node *key[TREE_MAX_DEPTH]; /* a map's key that waits for its value */
	size_t depth;
	size_t nodes;
	bool failed;
};

static struct rule_place place_of(const struct builder *builder, yaml_mark_t mark)
{
	return (struct rule_place){ builder->source, mark.line + 1, mark.column + 1 };
}

static bool fail(struct builder *builder, yaml_mark_t mark, const char *code, const char *what)
{
	builder->failed = true;
	return rule_message_add(builder->sink, place_of(builder, mark), code, "%s", what);
}

static bool key_exists(const struct tree_node *map, const struct tree_node *key)
{
	for (const struct tree_node *child = map->first; child; child = child->next)
		if (span_equal(child->key->text, key->text))
			return true;
	return false;
}

static void append(struct tree_node *parent, struct tree_node *node)
{
	parent->children++;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

/* The first value is kept. What lies below the top two levels (the file and its lists) is broken by
 * a repeated key: that is, the rule or the override it stands in. */
static void report_duplicate(struct builder *builder, struct tree_node *key)
{
	struct strbuf name = { 0 };

	text_escape(key->text, &name);
	rule_message_add(builder->sink, key->place, "R003", "duplicate key '%s'", strbuf_text(&name));
	strbuf_deinit(&name);
	for (size_t i = 2; i < builder->depth; i++)
		builder->open[i]->broken = true;
}

static bool attach(struct builder *builder, struct tree_node *node, yaml_mark_t mark)
{
	struct tree_node *parent = builder->depth ? builder->open[builder->depth - 1] : NULL;

	if (!parent) {
		builder->root = node;
	} else if (parent->kind == TREE_LIST) {
		append(parent, node);
	} else if (!builder->key[builder->depth - 1]) {
		if (node->kind != TREE_SCALAR)
			return fail(builder, mark, "R001", "a key must be plain text");
		builder->key[builder->depth - 1] = node;
	} else {
		node->key = builder->key[builder->depth - 1];
		builder->key[builder->depth - 1] = NULL;
		if (parent->children == TREE_MAX_KEYS)
			return fail(builder, mark, "R009", "the map holds more keys than a rule file may");
		if (key_exists(parent, node->key))
			report_duplicate(builder, node->key);
		else
			append(parent, node);
	}
	return true;
}

static struct tree_node *make(struct builder *builder, enum tree_kind kind, yaml_mark_t mark)
{
	struct tree_node *node = pool_alloc(builder->pool, sizeof *node);

	node->kind = kind;
	node->place = place_of(builder, mark);
	if (++builder->nodes > TREE_MAX_NODES) {
		fail(builder, mark, "R009", "the file holds more values than a rule file may");
		return NULL;
	}
	return node;
}

static enum tree_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return TREE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return TREE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return TREE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return TREE_FOLDED;
	default:
		return TREE_PLAIN;
	}
}

static bool add_scalar(struct builder *builder, const yaml_event_t *event)
{
	struct tree_node *node = make(builder, TREE_SCALAR, event->start_mark);

	if (!node)
		return false;
	if (event->data.scalar.anchor || event->data.scalar.tag)
		return fail(builder, event->start_mark, "R004", "anchors and tags are not allowed");
	node->style = style_of(event->data.scalar.style);
	node->text = span_make(event->data.scalar.value, event->data.scalar.length);
	node->text.data = (const uint8_t *)pool_span(builder->pool, node->text);
	return attach(builder, node, event->start_mark);
}

static bool open_node(struct builder *builder, const yaml_event_t *event, enum tree_kind kind,
					  bool decorated)
{
	struct tree_node *node = make(builder, kind, event->start_mark);

	if (!node)
		return false;
	if (decorated)
		return fail(builder, event->start_mark, "R004", "anchors and tags are not allowed");
	if (builder->depth == TREE_MAX_DEPTH)
		return fail(builder, event->start_mark, "R009", "nested too deeply");
	if (!attach(builder, node, event->start_mark))
		return false;
	builder->key[builder->depth] = NULL;
	builder->open[builder->depth++] = node;
	return true;
}

static bool take_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(builder, event, TREE_LIST,
						 event->data.sequence_start.anchor || event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_node(builder, event, TREE_MAP,
						 event->data.mapping_start.anchor || event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth -= builder->depth > 0;
		return true;
	case YAML_ALIAS_EVENT:
		return fail(builder, event->start_mark, "R004", "aliases are not allowed");
	case YAML_DOCUMENT_START_EVENT:
		if (builder->root)
			return fail(builder, event->start_mark, "R001", "a rule file is one YAML document");
		return true;
	default:
		return true;
	}
}

/* libyaml gives a mark for its scanner and parser, a byte offset for its reader. */
static void report_syntax(struct builder *builder, const yaml_parser_t *parser)
{
	struct rule_place place = place_of(builder, parser->problem_mark);
	const char *problem = parser->problem ? parser->problem : "not readable as YAML";

	if (parser->error == YAML_READER_ERROR) {
		const struct span text = builder->source->text;
		size_t line = 1, start = 0, offset = parser->problem_offset;

		for (size_t i = 0; i < offset && i < text.size; i++)
			if (text.data[i] == '\n') {
				line++;
				start = i + 1;
			}
		place.line = line;
		place.column = rule_source_offset_column(span_part(text, start, text.size), offset - start);
	}
	rule_message_add(builder->sink, place, "R001", "%s%s%s", problem, parser->context ? " " : "",
					 parser->context ? parser->context : "");
	builder->failed = true;
}

static void read_events(struct builder *builder, yaml_parser_t *parser)
{
	bool more = true;

	while (more) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			report_syntax(builder, parser);
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT && take_event(builder, &event);
		yaml_event_delete(&event);
	}
}

/* Line of the first %TAG directive, 0: none. Tags are not allowed, and libyaml compares each such
 * line with all before it. */
static size_t find_tag_directive(const struct rule_source *source)
{
	const struct span wanted = span_string("%TAG");
	struct cursor cursor = cursor_make(source->text, false);
	struct span line;

	for (size_t number = 1; cursor_line(&cursor, &line); number++)
		if (span_equal(span_part(line, 0, wanted.size), wanted))
			return number;
	return 0;
}

const struct tree_node *tree_read(const struct rule_source *source, struct pool *pool,
								  struct rule_sink *sink)
{
	struct builder builder = { .source = source, .pool = pool, .sink = sink };
	size_t tag_line = find_tag_directive(source);
	yaml_parser_t parser;

	if (tag_line) {
		rule_message_add(sink, (struct rule_place){ source, tag_line, 1 }, "R004",
						 "anchors and tags are not allowed");
		return NULL;
	}
	if (!yaml_parser_initialize(&parser)) {
		rule_message_add(sink, (struct rule_place){ .source = source }, "R001",
						 "libyaml refused to start");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, source->text.data, source->text.size);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	read_events(&builder, &parser);
	yaml_parser_delete(&parser);
	if (builder.failed)
		for (size_t i = 0; i < builder.depth; i++)
			builder.open[i]->cut = true;
	return builder.root;
}

const struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
	for (const struct tree_node *child = map->first; child; child = child->next)
		if (child->key && span_equal(child->key->text, span_string(key)))
			return child;
	return NULL;
}

const char *tree_text(const struct tree_node *scalar)
{
	return (const char *)scalar->text.data;
}

/* A literal block starts on the line behind its "|"; each of its lines is the end of a source line,
 * so the difference of the lengths is the indentation. */
static struct rule_place place_in_block(const struct tree_node *scalar, size_t offset)
{
	struct rule_place place = scalar->place;
	size_t start = 0, end;
	struct span line;

	place.line++;
	for (size_t i = 0; i < offset && i < scalar->text.size; i++)
		if (scalar->text.data[i] == '\n') {
			place.line++;
			start = i + 1;
		}
	for (end = start; end < scalar->text.size && scalar->text.data[end] != '\n';)
		end++;
	line = rule_source_line(place.source, place.line);
	if (line.size < end - start)
		return scalar->place;
	place.column = rule_source_offset_column(line, line.size - (end - start) + (offset - start));
	return place;
}

/* Bytes the escape at the start of a double-quoted text takes (YAML 1.2 5.7), backslash included.
 */
static size_t escape_length(struct span source)
{
	switch (source.size > 1 ? source.data[1] : 0) {
	case 'x':
		return 4;
	case 'u':
		return 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

/* Walks source and value side by side; both are on one line here. */
static size_t quoted_offset(struct span source, enum tree_style style, struct span value,
							size_t offset)
{
	size_t at = 1, done = 0;

	while (done < offset && at < source.size) {
		size_t step = 1, made = 1;

		if (style == TREE_SINGLE && source.data[at] == '\'') {
			step = 2;
		} else if (style == TREE_DOUBLE && source.data[at] == '\\') {
			step = escape_length(span_part(source, at, source.size));
			made = text_utf8_length(span_part(value, done, value.size));
			made = made ? made : 1;
		}
		at += step;
		done += made;
	}
	return at;
}

struct rule_place tree_place_of(const struct tree_node *scalar, size_t offset)
{
	struct rule_place place = scalar->place;
	struct span line = rule_source_line(place.source, place.line);
	size_t start = rule_source_column_offset(line, place.column);
	struct span source = span_part(line, start, line.size);

	if (scalar->style == TREE_LITERAL)
		return place_in_block(scalar, offset);
	if (scalar->style == TREE_FOLDED)
		return place;
	if (scalar->style != TREE_PLAIN)
		offset = quoted_offset(source, scalar->style, scalar->text, offset);
	place.column = rule_source_offset_column(line, start + offset);
	return place;
}
