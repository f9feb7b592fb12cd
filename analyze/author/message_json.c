#include "analyze/author/message_json.h"

#include <stdlib.h>

static json_t *message_to_json(const struct rule_message *message)
{
	json_t *object =
		json_pack("{s:s?, s:I, s:I, s:s, s:s, s:s?, s:s}", "file", message->file, "line",
				  (json_int_t)message->line, "column", (json_int_t)message->column, "severity",
				  message->is_error ? "error" : "warning", "code", message->code, "rule",
				  message->rule, "message", message->what);

	/* a rule file may hold what is no UTF-8; messages are escaped, so this is for ids and paths */
	return object ? object : json_pack("{s:s, s:s}", "code", message->code, "message", "");
}

void message_json_add(json_t *array, const rule_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		json_array_append_new(array, message_to_json(&messages->items[i]));
}

void message_json_put(json_t *object, struct strbuf *out)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	strbuf_printf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(object);
}
