/* message_json: messages about rule files, for programs. */
#ifndef ANALYZE_AUTHOR_MESSAGE_JSON_H
#define ANALYZE_AUTHOR_MESSAGE_JSON_H

#include "analyze/rules/rule_set.h"
#include "base/strbuf.h"

#include <jansson.h>

/* Appends each message to the array, as {file, line, column, severity, code, rule, message}. */
void message_json_add(json_t *array, const rule_messages *messages);

/* Appends the object's text and a line end. Takes the object. */
void message_json_put(json_t *object, struct strbuf *out);

#endif
