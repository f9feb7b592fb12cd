#include "analyze/rules/redact.h"

#include "analyze/rules/secret_hint.h"
#include "analyze/rules/spelling.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Names of secrets, and what stands between one and its value in a sentence. */
#define PASSWORD "(?: pass(?:wor[dt]|wd|phrase|code)? | kennwort | pwd )"
#define KEY                                                                                      \
	"(?: (?: api | access | private | client | secret | encryption | signing | master | account" \
	"      | subscription | shared | ssh ) [_ -]? key )"
#define IS "(?: is | was | ist | war | lautet )"

/* One alternative a line. Forms of keys are those their issuers document. Each has a piece in
 * secret_hint.c. */
static const char secrets[] =
	"(?xs)"
	"-----BEGIN[ ]"
	"| eyJ[\\w-]{5,}"                                      /* JWT: base64url of {\" */
	"| (?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{8,}" /* AWS IAM identifiers */
	"| gh[pousr]_\\w{8,} | github_pat_\\w{8,} | glpat-[\\w-]{8,} | npm_\\w{16,} | hf_\\w{16,}"
	"| xox[abeprs]-[\\w-]{8,} | xapp-[\\w-]{8,} | AIza[\\w-]{16,} | ya29\\.[\\w-]{8,}"
	"| [sr]k[_-](?:live|test)[_-]\\w{8,} | \\bsk-[\\w-]{16,} | whsec_\\w{8,}"
	"| \\bSG\\.[\\w-]{8,} | dckr_pat_\\w{8,} | GOCSPX-[\\w-]{8,} | \\bhv[bs]\\.[\\w-]{8,}"
	"| sq0(?:atp|csp)-[\\w-]{8,} | \\bpypi-Ag[\\w-]{8,} | slack\\.com/services/ | /webhooks/\\d+/"
	/* a name and what is assigned to it, but for a placeholder, in an XML element too */
	"| (?i: (?: " PASSWORD
	"           (?: [_-]? (?: hash | confirm(?:ation)? | repeat | again | salt | \\d{1,2} ) )?"
	"         | secret (?: [_-]?key )? (?: [_-]?base | \\d )? | token | credentials? | auth"
	"         | " KEY " | cookies? | authorization | signature"
	"         | sess(?:ion)? (?: [_-]?id )? | csrf | code_verifier | remember[_-]?me"
	"         | (?<![a-z]) (?: pw | sid | sig | otp | pin | jwt | cvv | cvc | ssn | iban ) )"
	"      (?: \\\\* [\"']? (?: [\\s+]* (?: [=:] | -> ) | \\s+ value \\s* = )"
	"          (?! \\s* [?] (?: [\\s,;)&] | $ ) )"
	"        | > [^<>]{1,256} </ ) )"
	"| (?i: (?<![a-z_.]) (?:key|code) = (?! [?] ) )" /* in an address; SQL compares codes, too */
	/* the same in words: a value in quotes or with letters and digits, but for types of SQL and
	 * paths; anything behind an option of a command */
	"| (?i: (?<![a-z]) (?: " PASSWORD " | secret ) \\s+ (?: " IS " \\s+ )? [\"'] [^\\s\"'] )"
	"| (?i: (?<![a-z]) (?: " PASSWORD " | secret | token | api[_ -]?key | credentials? )"
	"       \\s+ (?: " IS " \\s+ )? [\"'`]? (?! n?varchar2 | float\\d | u?int\\d )"
	"       (?= [a-z_!$%&*\\#@+~^-]{0,64} \\d ) (?= [\\d_!$%&*\\#@+~^-]{0,64} [a-z] )"
	"       [\\w!$%&*\\#@+~^-]{6,}+ (?! [/.:(\\[] ) )"
	"| (?i: (?<![\\w-]) --? [\\w-]{0,32} (?: " PASSWORD " | secret (?: [_-]key )? | token"
	"       | api[_-]?key ) \\s+ [^\\s-] )"
	"| (?i: \\b identified \\s+ by \\s+ [^\\s?] )"
	"| (?i: \\b (?:bearer|basic|digest) [\\s+]+ [\\w+/=.~-]{6,} )"
	"| \\$ (?: [156y] | 2[abxy] | apr1 | argon2(?:id?|d) ) \\$ [\\w./=,$+-]{8}" /* crypt(5) */
	/* Credentials of an address: before a slash, or with one in the password. A number before it is
	 * a port (RFC 3986, 3.2), and what follows a path, which may hold any "@". */
	"| : (?: \\\\*/ ){2} (?: [^/\\s@]+ @ | [^/\\s@:[]* : (?! \\d{1,5} / ) [^\\s@]{0,128} @ )"
	"| \\bthin: [^/\\s@]{0,64} / [^\\s@]{1,128} @ | [^/\\s] @//" /* of Oracle's */
	/* mail addresses, and accounts, which a host without a domain tells apart from "Foo@17" */
	"| [\\w.+\\x80-\\xff-] [\"']? @ (?: \\[ | [\\w\\x80-\\xff-]+ (?: \\.[\\w\\x80-\\xff-]+ )+ "
	"| [\"']?localhost\\b ) | [\"'] @ [\"'] | \\bmailto: [^\\s@]{1,64} @"
	/* long tokens: every kind of byte; two cases and two numbers; four numbers among letters,
	 * of which one is no hex digit (hex has runs of its own) */
	"| (?= [\\w+=-]*[0-9] ) (?= [\\w+=-]*[A-Z] ) (?= [\\w+=-]*[a-z] ) [\\w+=-]{32,}"
	"| (?<! [\\w+=-] ) (?= [\\w+=-]{16} ) (?= [\\w+=-]*[A-Z] ) (?= [\\w+=-]*[a-z] )"
	"  [\\w+=-]*? [0-9] [\\w+=-]*? [A-Za-z] [\\w+=-]*? [0-9]"
	"| (?<! [A-Za-z0-9] ) (?= [A-Za-z0-9]{16} ) (?= [A-Za-z0-9]*[g-zG-Z] )"
	"  [A-Za-z]* [0-9]+ (?: [A-Za-z]+ [0-9]+ ){3}";

enum { MATCH_LIMIT = 100000 };

struct redactor {
	pcre2_code *code;
	pcre2_match_context *context;
	struct secret_hint hint;
};

struct redactor *redactor_create(struct err *err)
{
	struct redactor *redactor = mem_zeroed(1, sizeof *redactor);
	PCRE2_UCHAR text[160] = "";
	PCRE2_SIZE offset = 0;
	int error = 0;

	redactor->code = pcre2_compile((PCRE2_SPTR)secrets, sizeof secrets - 1, PCRE2_NEVER_UTF, &error,
								   &offset, NULL);
	redactor->context = pcre2_match_context_create(NULL);
	if (!redactor->code || !redactor->context) {
		pcre2_get_error_message(error, text, sizeof text);
		err_set(err, ERR_SYSTEM, "PCRE2 refuses the secret patterns at %zu: %s", (size_t)offset,
				(const char *)text);
		redactor_destroy(redactor);
		return NULL;
	}
	pcre2_set_match_limit(redactor->context, MATCH_LIMIT);
	pcre2_jit_compile(redactor->code, PCRE2_JIT_COMPLETE);
	secret_hint_init(&redactor->hint);
	return redactor;
}

void redactor_destroy(struct redactor *redactor)
{
	if (!redactor)
		return;
	pcre2_code_free(redactor->code);
	pcre2_match_context_free(redactor->context);
	free(redactor);
}

/* Bytes that a shown value can have: columns of four. */
enum { LONGEST = 4 * REDACT_COLUMNS };

static bool has_nul(struct span text)
{
	return text.size && memchr(text.data, 0, text.size);
}

/* The text without its NULs: UTF-16 of ASCII becomes ASCII. */
static void squeeze(struct span text, struct strbuf *out)
{
	while (text.size) {
		const uint8_t *nul = memchr(text.data, 0, text.size);
		size_t length = nul ? (size_t)(nul - text.data) : text.size;

		strbuf_add(out, text.data, length);
		text = span_part(text, length + 1, text.size);
	}
}

static bool holds_secret(const struct redactor *redactor, struct span value)
{
	size_t start = secret_hint_find(&redactor->hint, value);
	pcre2_match_data *data;
	int result = PCRE2_ERROR_NOMEMORY;

	if (start == value.size)
		return false;
	data = pcre2_match_data_create(1, NULL);
	if (data)
		result =
			pcre2_match(redactor->code, value.data, value.size, start, 0, data, redactor->context);
	pcre2_match_data_free(data);
	return result != PCRE2_ERROR_NOMATCH;
}

/* Looked at as it is, without NULs, and with what is spelled out, also twice: %2540 is a "@" in
 * an address within an address. Few values have a NUL or a sign, and only those are copied. */
bool redactor_is_secret(const struct redactor *redactor, struct span value)
{
	enum { DEEPEST = 3 };
	struct strbuf texts[2] = { 0 };
	bool secret = holds_secret(redactor, value);

	if (!secret && has_nul(value)) {
		squeeze(value, &texts[0]);
		value = strbuf_span(&texts[0]);
		secret = holds_secret(redactor, value);
	}
	for (int i = 1; !secret && i <= DEEPEST && spelling_undo(value, &texts[i % 2]); i++) {
		value = strbuf_span(&texts[i % 2]);
		secret = holds_secret(redactor, value);
	}
	strbuf_deinit(&texts[0]);
	strbuf_deinit(&texts[1]);
	return secret;
}

/* RFC 4122: 8-4-4-4-12 hex digits. */
static bool starts_with_uuid(struct span text)
{
	static const size_t dashes[] = { 8, 13, 18, 23 };

	if (text.size < 36)
		return false;
	for (size_t i = 0, dash = 0; i < 36; i++) {
		bool wants_dash = dash < 4 && i == dashes[dash];

		dash += wants_dash;
		if (wants_dash ? text.data[i] != '-' : !text_is_hex(text.data[i]))
			return false;
	}
	return true;
}

static bool has_digit(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text_is_digit(text.data[i]))
			return true;
	return false;
}

/* Numbers in groups, with a blank or hyphen between two: telephone, card and account numbers,
 * dates. Gives the length of the run, 0 where it has fewer digits than those have. */
static size_t grouped_length(struct span text)
{
	enum { LEAST = 7 };
	size_t at = 0, digits = 0;

	if (!text.size || !text_is_digit(text.data[0]))
		return 0;
	for (;;) {
		size_t length = text_span_of(span_part(text, at, text.size), text_is_digit);

		at += length;
		digits += length;
		if (at + 1 >= text.size || (text.data[at] != ' ' && text.data[at] != '-') ||
			!text_is_digit(text.data[at + 1]))
			return digits >= LEAST ? at : 0;
		at++;
	}
}

/* A UUID starts with as many digits as a hex run has at least. */
enum { LEAST_HEX = 8, LEAST_DIGITS = 4 };

/* Bytes of the run at the start of the text, and what it is replaced by; 0: none. */
static size_t run_length(struct span text, uint8_t before, const char **by)
{
	size_t length = text_is_hex(before) ? 0 : text_span_of(text, text_is_hex);

	*by = "<uuid>";
	if (length && starts_with_uuid(text))
		return 36;
	*by = "<hex>";
	if (length >= LEAST_HEX && has_digit(span_part(text, 0, length)) &&
		text_span_of(text, text_is_digit) < length)
		return length;
	*by = "#";
	if (text_is_digit(before))
		return 0;
	length = grouped_length(text);
	if (!length)
		length = text_span_of(text, text_is_digit);
	return length >= LEAST_DIGITS ? length : 0;
}

enum { NO_DIGIT, HEX_LETTER, DECIMAL };

static const uint8_t digits[256] = {
	['0' ... '9'] = DECIMAL,
	['A' ... 'F'] = HEX_LETTER,
	['a' ... 'f'] = HEX_LETTER,
};

/* Bytes at the start that are no decimal digit, and at none of which a run begins. */
static size_t plain_length(struct span text, uint8_t before)
{
	uint8_t last = digits[before], digit;
	size_t at = 0;

	for (; at < text.size && (digit = digits[text.data[at]]) != DECIMAL; at++, last = digit)
		if (digit && !last &&
			text_span_of(span_part(text, at, LEAST_HEX), text_is_hex) == LEAST_HEX)
			break;
	return at;
}

size_t redact_next(struct span text, uint8_t before, const char **by)
{
	size_t length = plain_length(text, before);

	*by = NULL;
	if (length)
		return length;
	length = run_length(text, before, by);
	if (length)
		return length;
	*by = NULL;
	return 1;
}

/* As far as it can be shown. */
static void replace_runs(struct span text, struct strbuf *out)
{
	uint8_t before = 0;

	while (text.size && out->size < LONGEST) {
		const char *by;
		size_t length = redact_next(text, before, &by);

		if (by)
			strbuf_puts(out, by);
		else
			strbuf_add(out, text.data, length);
		before = text.data[length - 1];
		text = span_part(text, length, text.size);
	}
}

/* Cuts an escaped text to so many columns; the last becomes an ellipsis. */
static void cut_columns(struct strbuf *text, size_t from)
{
	size_t columns = 0, at = from;

	for (; at < text->size; at++) {
		columns += ((uint8_t)text->data[at] & 0xc0) != 0x80;
		if (columns == REDACT_COLUMNS && text_columns(text->data + at) > 1)
			break;
	}
	if (at == text->size)
		return;
	text->size = at;
	strbuf_puts(text, "\xe2\x80\xa6");
}

void redact_show(struct span value, struct strbuf *out)
{
	struct strbuf squeezed = { 0 }, replaced = { 0 };
	size_t start = out->size;

	if (has_nul(value)) {
		squeeze(value, &squeezed);
		value = strbuf_span(&squeezed);
	}
	strbuf_room(&replaced, LONGEST);
	replace_runs(value, &replaced);
	text_escape(span_part(strbuf_span(&replaced), 0, LONGEST), out);
	cut_columns(out, start);
	strbuf_deinit(&replaced);
	strbuf_deinit(&squeezed);
}
