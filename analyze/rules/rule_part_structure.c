#include "analyze/rules/rule_part.h"

#include <string.h>

enum { MAX_WORDS = 64, MAX_OFFSET = 1 << 20, MAX_HEADER = 4096 };

static const char *const types[] = { "u8", "u16", "u32", "u64", "ptr", NULL };
static const char *const targets[] = {
	"any", "mapped", "chunk-start", "self", "free", "end", NULL
};

static bool read_in(struct schema *schema, const struct tree_node *node, void *target)
{
	struct structure_word *word = target;

	word->has_in = true;
	return schema_range(schema, node, &word->in);
}

static bool read_back(struct schema *schema, const struct tree_node *node, void *target)
{
	struct structure_word *word = target;
	uint64_t number = 0;

	if (node->kind != TREE_SCALAR || !schema_number(tree_text(node), &number) ||
		number > MAX_OFFSET)
		return rule_message_add(schema->sink, node->place, "R005",
								"back is the offset of the word that points back");
	word->has_back = true;
	word->back = (uint32_t)number;
	return true;
}

/* true: the pointed chunk; a size: that many bytes from the pointer on. */
static bool read_claim(struct schema *schema, const struct tree_node *node, void *target)
{
	struct structure_word *word = target;

	if (node->kind == TREE_SCALAR) {
		word->claim = strcmp(tree_text(node), "false") != 0;
		if (!word->claim || strcmp(tree_text(node), "true") == 0 ||
			(schema_number(tree_text(node), &word->claim_bytes) && word->claim_bytes))
			return true;
	}
	return rule_message_add(schema->sink, node->place, "R005",
							"claim is true, false or a number of bytes");
}

static bool read_content(struct schema *schema, const struct tree_node *node, void *target)
{
	enum { MOST = 16 };
	struct structure_word *word = target;
	const char *names[MOST + 1] = { NULL };
	unsigned position = 0;

	for (size_t i = 0; i < MOST && content_kind_at(i); i++)
		names[i] = content_kind_at(i)->name;
	if (!schema_choice(schema, node, names, &position))
		return false;
	word->content = content_kind_at(position);
	return true;
}

const struct schema_field rule_part_word_fields[] = {
	{ "at", SCHEMA_U32, .offset = offsetof(struct structure_word, at), .required = true,
	  .max = MAX_OFFSET },
	{ "type", SCHEMA_CHOICE, .offset = offsetof(struct structure_word, type), .required = true,
	  .choices = types },
	{ "in", SCHEMA_CUSTOM, .read = read_in },
	{ "to", SCHEMA_CHOICE, .offset = offsetof(struct structure_word, to), .choices = targets },
	{ "size", SCHEMA_RANGE, .offset = offsetof(struct structure_word, size) },
	{ "header", SCHEMA_U32, .offset = offsetof(struct structure_word, header), .max = MAX_HEADER },
	{ "null", SCHEMA_BOOL, .offset = offsetof(struct structure_word, null) },
	{ "back", SCHEMA_CUSTOM, .read = read_back },
	{ "claim", SCHEMA_CUSTOM, .read = read_claim },
	{ "content", SCHEMA_CUSTOM, .read = read_content },
	{ 0 },
};

/* Parts that only mean something together. */
static bool check_word(struct schema *schema, const struct tree_node *node,
					   const struct structure_word *word)
{
	const char *what = NULL;

	if (word->type != WORD_PTR && (word->to || word->null || word->has_back || word->claim))
		what = "to, null, back and claim are for type: ptr";
	else if (word->to != WORD_TO_ANY && word->to != WORD_TO_SELF && word->has_in)
		what = "in goes with to: any and to: self only";
	else if (word->header && word->to != WORD_TO_CHUNK_START)
		what = "header goes with to: chunk-start";
	else if (word->claim && word->claim_bytes && word->to != WORD_TO_FREE &&
			 word->to != WORD_TO_MAPPED)
		what = "claim of a number of bytes goes with to: free or to: mapped";
	else if (word->content && !word->claim)
		what = "content goes with claim only";
	else if (word->claim && !word->claim_bytes && word->to == WORD_TO_FREE)
		what = "to: free needs claim with a number of bytes";
	if (!what)
		return true;
	return rule_message_add(schema->sink, node->place, "R042", "%s", what);
}

static bool add_word(struct schema *schema, const struct tree_node *node,
					 struct structure *structure)
{
	struct structure_word word = { .size = { 0, UINT64_MAX } };
	uint64_t end;

	if (!schema_read(schema, node, rule_part_word_fields, "a structure word", &word) ||
		!check_word(schema, node, &word))
		return false;
	if (structure->words.count == MAX_WORDS)
		return rule_message_add(schema->sink, node->place, "R009", "more than %d words", MAX_WORDS);
	if (word.content && structure_content(structure))
		return rule_message_add(schema->sink, node->place, "R042",
								"another word of the structure has content already");
	*vec_add(&structure->words) = word;
	end = word.at + (uint64_t)structure_word_bytes(word.type, 8);
	structure->bytes = end > structure->bytes ? end : structure->bytes;
	return true;
}

bool rule_part_structure(struct schema *schema, const struct tree_node *node, void *target)
{
	struct rule *rule = target;
	bool good = schema_want(schema, node, TREE_LIST, "structure");

	if (good && !node->first)
		good = rule_message_add(schema->sink, node->place, "R005", "structure is empty");
	for (const struct tree_node *item = good ? node->first : NULL; item; item = item->next)
		good &= add_word(schema, item, &rule->structure);
	return good;
}
