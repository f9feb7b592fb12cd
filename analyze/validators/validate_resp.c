/* Arrays of bulk strings in RESP, Redis' protocol ("Redis serialization protocol specification"):
 * a client's commands and what servers answer. */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

#include <strings.h>

/* Commands by whose name hits are grouped. The first string of an answer is data: it is not shown.
 */
static const char *const commands[] = {
	"APPEND",     "AUTH",     "BLPOP",       "BRPOP",    "CLIENT", "CLUSTER",       "COMMAND",
	"CONFIG",     "DECR",     "DECRBY",      "DEL",      "ECHO",   "EVAL",          "EVALSHA",
	"EXEC",       "EXISTS",   "EXPIRE",      "EXPIREAT", "FCALL",  "FLUSHALL",      "FLUSHDB",
	"GEOADD",     "GET",      "GETDEL",      "GETEX",    "GETSET", "HDEL",          "HELLO",
	"HEXISTS",    "HGET",     "HGETALL",     "HINCRBY",  "HKEYS",  "HMGET",         "HMSET",
	"HSCAN",      "HSET",     "HSETNX",      "INCR",     "INCRBY", "INFO",          "KEYS",
	"LINDEX",     "LLEN",     "LPOP",        "LPUSH",    "LRANGE", "LREM",          "LTRIM",
	"MGET",       "MSET",     "MULTI",       "PEXPIRE",  "PFADD",  "PING",          "PSETEX",
	"PSUBSCRIBE", "PTTL",     "PUBLISH",     "REPLCONF", "RPOP",   "RPUSH",         "SADD",
	"SCAN",       "SCARD",    "SCRIPT",      "SELECT",   "SET",    "SETEX",         "SETNX",
	"SISMEMBER",  "SMEMBERS", "SPUBLISH",    "SREM",     "SSCAN",  "SUBSCRIBE",     "TTL",
	"TYPE",       "UNLINK",   "UNSUBSCRIBE", "WATCH",    "XACK",   "XADD",          "XREAD",
	"XREADGROUP", "ZADD",     "ZCARD",       "ZINCRBY",  "ZRANGE", "ZRANGEBYSCORE", "ZREM",
	"ZSCORE",     "message",  "pmessage",
};

static const char *find_command(struct span word)
{
	if (!word.size)
		return NULL;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if ((commands[i][0] | 32) == (word.data[0] | 32) && /* most differ in the first letter */
			word.size == strlen(commands[i]) &&
			strncasecmp((const char *)word.data, commands[i], word.size) == 0)
			return commands[i];
	return NULL;
}

/* A type's byte, a number, CRLF. */
static bool read_number(struct cursor *cursor, char type, uint64_t *value)
{
	enum { LONGEST = 18 };
	struct cursor line = cursor_make(span_part(cursor->span, cursor->at, LONGEST), false);
	struct span text;

	if (cursor_u8(&line) != (uint8_t)type || !text_run_line(&line, &text) ||
		!text_number(text, value))
		return false;
	cursor_skip(cursor, line.at);
	return true;
}

static bool read_bulk(struct cursor *cursor, struct span *text)
{
	uint64_t size;

	if (!read_number(cursor, '$', &size) || size > cursor_left(cursor))
		return false;
	*text = cursor_bytes(cursor, size);
	return span_equal(cursor_bytes(cursor, 2), span_string("\r\n"));
}

/* A whole array, or a command with its first argument whole. Provides `command`, "answer" for
 * others. */
bool validate_resp_array(struct span bytes, struct match *match)
{
	enum { LEAST_OF_COMMAND = 2 };
	struct cursor cursor = cursor_make(bytes, false);
	const char *command = NULL;
	uint64_t count, whole = 0;
	struct span text;

	if (!read_number(&cursor, '*', &count) || !count)
		return false;
	for (; whole < count && read_bulk(&cursor, &text); whole++) {
		if (!whole)
			command = find_command(text);
		match_extend(match, cursor.at);
	}
	match_set(match, "command", span_string(command ? command : "answer"));
	return whole == count || (command && whole >= LEAST_OF_COMMAND);
}
