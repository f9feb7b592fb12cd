#include "analyze/validators/sql_word.h"

#include "base/text.h"

enum { LONGEST = 12, MOST = 12, K = SQL_KEYWORD };

struct word {
	char text[LONGEST + 1];
	uint8_t size;
	uint16_t is;
};

#define WORD(text, is)               \
	{                                \
		text, sizeof(text) - 1, (is) \
	}

/* By first letter; a row without a size ends a list. */
static const struct word words[26][MOST] = {
	['A' - 'A'] = { WORD("AND", K), WORD("AS", K | SQL_NAMES), WORD("ASC", K),
					WORD("ALL", K | SQL_JOINS), WORD("ANY", K), WORD("AT", SQL_BEHIND) },
	['B' - 'A'] = { WORD("BY", K), WORD("BETWEEN", K) },
	['C' - 'A'] = { WORD("COUNT", K), WORD("CASE", K), WORD("CROSS", K), WORD("CAST", K),
					WORD("CONFLICT", K), WORD("COLLATE", K) },
	['D' - 'A'] = { WORD("DELETE", K | SQL_DELETE), WORD("DISTINCT", K | SQL_JOINS | SQL_DISTINCT),
					WORD("DESC", K), WORD("DO", K), WORD("DATE", K), WORD("DEFAULT", K),
					WORD("DUPLICATE", K), WORD("DAY", SQL_BEHIND), WORD("DIV", SQL_BEHIND) },
	['E' - 'A'] = { WORD("END", K), WORD("ELSE", K), WORD("EXISTS", K),
					WORD("EXCEPT", K | SQL_JOINS), WORD("ESCAPE", K) },
	['F' - 'A'] = { WORD("FROM", K | SQL_ACTION | SQL_SOURCE | SQL_NAMES | SQL_FROM),
					WORD("FOR", K), WORD("FULL", K), WORD("FIRST", K), WORD("FETCH", K),
					WORD("FALSE", K), WORD("FORCE", K) },
	['G' - 'A'] = { WORD("GROUP", K) },
	['H' - 'A'] = { WORD("HAVING", K), WORD("HOUR", SQL_BEHIND) },
	['I' - 'A'] = { WORD("IN", K), WORD("INTO", K | SQL_SOURCE | SQL_NAMES), WORD("IS", K),
					WORD("INSERT", K | SQL_INSERT), WORD("INNER", K), WORD("ILIKE", K),
					WORD("INTERSECT", K | SQL_JOINS), WORD("IGNORE", K), WORD("INTERVAL", K),
					WORD("INDEX", K) },
	['J' - 'A'] = { WORD("JOIN", K | SQL_NAMES) },
	['K' - 'A'] = { WORD("KEY", K) },
	['L' - 'A'] = { WORD("LIKE", K), WORD("LEFT", K), WORD("LIMIT", K), WORD("LAST", K),
					WORD("LOCK", K), WORD("LOCKED", K), WORD("LOW_PRIORITY", K) },
	['M' - 'A'] = { WORD("MINUTE", SQL_BEHIND), WORD("MONTH", SQL_BEHIND),
					WORD("MOD", SQL_BEHIND) },
	['N' - 'A'] = { WORD("NOT", K), WORD("NULL", K), WORD("NATURAL", K), WORD("NEXT", K),
					WORD("NULLS", K), WORD("NOTHING", K), WORD("NOWAIT", K) },
	['O' - 'A'] = { WORD("ON", K), WORD("OR", K), WORD("ORDER", K), WORD("OUTER", K),
					WORD("OFFSET", K), WORD("ONLY", K), WORD("OVER", K),
					WORD("OPTION", SQL_BEHIND) },
	['P' - 'A'] = { WORD("PARTITION", K) },
	['Q' - 'A'] = { WORD("QUARTER", SQL_BEHIND) },
	['R' - 'A'] = { WORD("RIGHT", K), WORD("RETURNING", K), WORD("ROW", K), WORD("ROWS", K),
					WORD("REPLACE", K), WORD("REGEXP", SQL_BEHIND), WORD("RLIKE", SQL_BEHIND) },
	['S' - 'A'] = { WORD("SELECT", K | SQL_SELECT | SQL_ACTION | SQL_QUERY),
					WORD("SET", K | SQL_ACTION), WORD("SKIP", K), WORD("SHARE", K),
					WORD("SECOND", SQL_BEHIND), WORD("SIMILAR", SQL_BEHIND) },
	['T' - 'A'] = { WORD("THEN", K), WORD("TRUE", K), WORD("TOP", K), WORD("TIMESTAMP", K),
					WORD("TABLE", SQL_NAMES) },
	['U' - 'A'] = { WORD("UPDATE", K | SQL_SOURCE | SQL_NAMES), WORD("UNION", K | SQL_JOINS),
					WORD("USING", K), WORD("USE", K) },
	['V' - 'A'] = { WORD("VALUES", K | SQL_ACTION) },
	['W' - 'A'] = { WORD("WHERE", K), WORD("WHEN", K), WORD("WEEK", SQL_BEHIND),
					WORD("WITH", SQL_BEHIND | SQL_QUERY) },
	['X' - 'A'] = { WORD("XOR", SQL_BEHIND) },
	['Y' - 'A'] = { WORD("YEAR", SQL_BEHIND) },
};

static bool is_same(struct span word, const char *upper)
{
	size_t at = 1; /* the first letter is that of the list */

	while (at < word.size && ((word.data[at] ^ (uint8_t)upper[at]) & ~32) == 0)
		at++;
	return at >= word.size;
}

unsigned sql_word(struct span word)
{
	const struct word *one;

	if (!word.size || !text_is_letter(word.data[0]))
		return 0;
	for (one = words[(word.data[0] | 32) - 'a']; one->size; one++)
		if (one->size == word.size && is_same(word, one->text))
			return one->is;
	return 0;
}
