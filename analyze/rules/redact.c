#include "analyze/rules/redact.h"

#include "analyze/rules/mask.h"
#include "analyze/rules/secret_hint.h"
#include "analyze/rules/spelling.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Names of secrets, and what stands between one and its value in a sentence. */
#define PASSWORD                                                                            \
	"(?: pass (?: wor[dt] | wd? | e | [_ -]?phrase | [_-]?code | [_-]?key )? | kennwort"    \
	"  | ps?wd | contrase(?:n|\\xc3\\xb1)a | senha | wachtwoord"                            \
	"  | \\xd0[\\xbf\\x9f]\\xd0\\xb0\\xd1\\x80\\xd0\\xbe\\xd0\\xbb\\xd1\\x8c" /* Russian */ \
	"  | \\xe5\\xaf\\x86 (?: \\xe7\\xa0\\x81 | \\xe7\\xa2\\xbc ) )"           /* Chinese */
#define KEY                                                                                 \
	"(?: (?: api | access | priv(?:ate)? | client | secret | encryption | signing | master" \
	"      | account | subscription | shared | ssh | auth | app | consumer | functions?"    \
	"      | licen[cs]e | activation | recovery | rsa | aes | hmac ) [_ -]? key )"
/* What stands for a value in a statement: of JDBC, PostgreSQL, and Python's drivers. */
#define PLACEHOLDER "(?: [?] | \\$ \\d{1,3} | % (?: \\( \\w{1,64} \\) )? s )"
#define IS "(?: is | was | ist | war | lautet )"

/* One alternative a line. Forms of keys are those their issuers document. Each has a piece in
 * secret_hint.c. */
static const char secrets[] =
	"(?xs)"
	"-----BEGIN[ ]"
	"| eyJ[\\w-]{5,}"                                      /* JWT: base64url of {\" */
	"| (?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{8,}" /* AWS IAM identifiers */
	"| gh[pousr]_\\w{8,} | github_pat_\\w{8,} | glpat-[\\w-]{8,} | npm_\\w{16,} | hf_\\w{16,}"
	"| xox[a-eprs]-[\\w-]{8,} | xapp-[\\w-]{8,} | AIza[\\w-]{16,} | ya29\\.[\\w-]{8,}"
	"| [sr]k[_-](?:live|test)[_-]\\w{8,} | \\bsk-[\\w-]{16,} | whsec_\\w{8,}"
	"| \\bSG\\.[\\w-]{8,} | dckr_pat_\\w{8,} | GOCSPX-[\\w-]{8,} | \\bhv[bs]\\.[\\w-]{8,}"
	"| sq0(?:atp|csp)-[\\w-]{8,} | \\bpypi-Ag[\\w-]{8,} | slack\\.com/services/ | /webhooks/\\d+/"
	/* a name and what is assigned to it, in an XML element too; but for a placeholder, and the
	 * same column of another table */
	"| (?i: (?<name> " PASSWORD
	"           (?: [_-]? (?: hash | confirm(?:ation)? | repeat | again | salt | \\d{1,2} ) )?"
	"         | secret (?: [_-]?key )? (?: [_-]?base | \\d )? | token | credentials? | auth"
	"         | " KEY " | cookies? | authorization | signature"
	"         | sess(?:ion)? (?: [_-]?id )? | csrf | code_verifier | remember[_-]?me | pw"
	"         | mnemonic | hmac | auth[_-]?code"
	"         | (?<![a-z]) (?: sid | sig | t?otp | pin (?: [_-]?code )? | jwt | cvv | cvc | ssn"
	"                        | iban ) )"
	"      (?: \\\\* [\"']? (?: [\\s+]* (?: [=:] | -> ) | \\s+ value \\s* = )"
	"          (?! \\s* (?: " PLACEHOLDER " | \\w{1,64} \\. \\w{0,32} \\k<name> )"
	"              (?: [\\s,;)&] | $ ) )"
	"        | (?: \\s [^<>]{0,256} )?+ > (?: <!\\[CDATA\\[ | [^<>]{1,256} </ | [^<>]{256} ) ) )"
	"| (?i: (?<![a-z_.]) (?:key|code) = (?! [?] ) )" /* in an address; SQL compares codes, too */
	/* the same in words: a value in quotes or with letters and digits, but for types of SQL and
	 * paths; anything behind an option of a command */
	"| (?i: (?<![a-z]) (?: " PASSWORD " | secret ) \\s+ (?: " IS " \\s+ )? [\"'] [^\\s\"'] )"
	"| (?i: (?<![a-z]) (?: " PASSWORD " | secret | token | api[_ -]?key | credentials? )"
	"       \\s+ (?: " IS " \\s+ )? [\"'`]? (?! n?varchar2 | float\\d | u?int\\d )"
	"       (?= [a-z_!$%&*\\#@+~^-]{0,64} \\d ) (?= [\\d_!$%&*\\#@+~^-]{0,64} [a-z] )"
	"       [\\w!$%&*\\#@+~^-]{6,}+ (?! [/.:(\\[] ) )"
	"| (?i: (?: " PASSWORD " | secret | token ) \\( \\s* [\"'] [^\\s\"'] )" /* of a call */
	/* in the path of an address: of letters and digits, or with a digit before a letter */
	"| (?i: / (?: " PASSWORD " | secret | token | api[_-]?key | credential ) s? /"
	"       (?= [a-z_-]{0,64} \\d ) (?= [\\d_-]{0,64} [a-z] ) [\\w-]{7} )"
	"| (?i: / (?: reset | verify | invite | activate | confirm | unlock | recover | magic"
	"           | unsubscribe ) / (?= [a-z_-]{0,64} \\d [\\d_-]{0,64} [a-z] ) [\\w-]{8} )"
	"| (?i: (?<![\\w-]) --? [\\w-]{0,32} (?: " PASSWORD " | secret (?: [_-]key )? | token"
	"       | api[_-]?key ) \\s+ [^\\s-] )"
	"| (?i: \\b identified \\s+ by \\s+ [^\\s?] )"
	"| (?i: \\b (?:bearer|basic|digest) [\\s+]+ [\\w+/=.~-]{6,} )"
	/* crypt(5), and as passlib, Drupal, Django and PostgreSQL write; no inner class, "Foo$1$Bar" */
	"| (?<!\\w) \\$ (?: [1567yPSH] | 2[abxy] | gy | apr1 | sha1 | scrypt | argon2(?:id?|d)"
	"               | (?: bcrypt | pbkdf2 ) [\\w-]{0,16} ) \\$ [\\w./=,$+-]{8}"
	"| pbkdf2 [_:] sha [^$]{1,32} \\$ | SCRAM-SHA-\\d{1,3} \\$ | \\{ S?SHA \\d{0,3} \\} [\\w+/]{8}"
	/* Credentials of an address: before a slash, or with one in the password; in the last form the
	 * "@" is cut off. A number is a port (RFC 3986, 3.2), and what follows a path, which may hold
	 * any "@". */
	"| : (?: \\\\*/ ){2} (?: [^/\\s@]+ @ | [^/\\s@:[]* : (?! \\d{1,5} / ) [^\\s@]{0,128} @"
	"                  | [^/\\s@:[%{]* : (?! \\d{1,5} \\b | [/\\\\] ) [^\\s@%{]+ \\z )"
	"| \\bthin: [^/\\s@]{0,64} / [^\\s@]{1,128} @ | [^/\\s] @//" /* of Oracle's */
	/* mail addresses, and accounts, which a host without a domain tells apart from "Foo@17" */
	"| [\\w.+\\x80-\\xff-] \\\\* [\"']? \\\\* @"
	"  (?: \\[ | [\\w\\x80-\\xff-]+ (?: \\.[\\w\\x80-\\xff-]+ )+ | [\"']?localhost\\b )"
	"| [\"'] @ [\"'] | \\b(?:mailto|sips?|xmpp|acct): [^\\s@]{1,64} @"
	/* long tokens: every kind of byte; two cases and two numbers; four numbers among letters,
	 * of which one is no hex digit (hex has runs of its own) */
	"| (?= [\\w+=-]*[0-9] ) (?= [\\w+=-]*[A-Z] ) (?= [\\w+=-]*[a-z] ) [\\w+=-]{32,}"
	"| (?<! [\\w+=-] ) (?= [\\w+=-]{16} ) (?= [\\w+=-]*[A-Z] ) (?= [\\w+=-]*[a-z] )"
	"  [\\w+=-]*? [0-9] [\\w+=-]*? [A-Za-z] [\\w+=-]*? [0-9]"
	"| (?<! [A-Za-z0-9] ) (?= [A-Za-z0-9]{16} ) (?= [A-Za-z0-9]*[g-zG-Z] )"
	"  [A-Za-z]* [0-9]+ (?: [A-Za-z]+ [0-9]+ ){3}"
	/* base32 (RFC 4648, 6), as the seeds of one-time passwords; base64 with slashes, which has no
	 * words, as a path has */
	"| (?<! [A-Za-z0-9] ) (?= [A-Z2-7]{16} ) [A-Z]* [2-7]+ [A-Z]+ [2-7]"
	"| (?<! [A-Za-z0-9+] ) (?= [A-Za-z0-9+/]{36} ) (?= (?: [a-z0-9+/]* [A-Z] ){5} )"
	"  (?= [A-Za-z+/]* [0-9] ) (?! [A-Za-z0-9+/]*? [a-z]{6} ) [A-Za-z0-9]";

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

/* One that begins in the first `kept` bytes. */
static bool holds_secret(const struct redactor *redactor, struct span value, size_t kept)
{
	size_t start = secret_hint_find(&redactor->hint, value);
	int result = PCRE2_ERROR_NOMEMORY;
	pcre2_match_data *data;
	bool holds;

	if (start >= kept)
		return false;
	data = pcre2_match_data_create(1, NULL);
	if (data)
		result =
			pcre2_match(redactor->code, value.data, value.size, start, 0, data, redactor->context);
	holds = result < 0 ? result != PCRE2_ERROR_NOMATCH : pcre2_get_ovector_pointer(data)[0] < kept;
	pcre2_match_data_free(data);
	return holds;
}

bool redactor_is_secret(const struct redactor *redactor, struct span value)
{
	return redactor_begins_secret(redactor, value, value.size);
}

/* Without NULs, or with what is spelled out, and how many bytes the kept ones then are. */
static void squeeze_both(struct span *value, size_t *kept, struct strbuf *out)
{
	squeeze(span_part(*value, 0, *kept), out);
	*kept = out->size;
	strbuf_clear(out);
	squeeze(*value, out);
	*value = strbuf_span(out);
}

static bool undo_both(struct span *value, size_t *kept, struct strbuf *out)
{
	if (spelling_undo(span_part(*value, 0, *kept), out))
		*kept = out->size;
	if (!spelling_undo(*value, out))
		return false;
	*value = strbuf_span(out);
	return true;
}

/* With what is spelled out, also twice: %2540 is a "@" in an address within an address. What is
 * spelled out more often than any program does is a secret, and so is a number that could be read
 * from what is shown. */
static bool spells_secret(const struct redactor *redactor, struct span value, size_t kept)
{
	enum { DEEPEST = 4 };
	struct strbuf texts[2] = { 0 };
	size_t masked = mask_count(span_part(value, 0, kept));
	bool secret = false;

	for (int i = 1; !secret && undo_both(&value, &kept, &texts[i % 2]); i++)
		secret = i == DEEPEST || mask_count(span_part(value, 0, kept)) > masked ||
				 holds_secret(redactor, value, kept);
	strbuf_deinit(&texts[0]);
	strbuf_deinit(&texts[1]);
	return secret;
}

/* Looked at as it is, without NULs, and spelled out. Few values have a NUL or a sign, and only
 * those are copied. */
bool redactor_begins_secret(const struct redactor *redactor, struct span value, size_t kept)
{
	struct strbuf squeezed = { 0 };
	bool secret = holds_secret(redactor, value, kept);

	if (!secret && has_nul(value)) {
		squeeze_both(&value, &kept, &squeezed);
		secret = holds_secret(redactor, value, kept);
	}
	if (!secret && spelling_has_sign(value))
		secret = spells_secret(redactor, value, kept);
	strbuf_deinit(&squeezed);
	return secret;
}

/* As far as it can be shown. */
static void replace_runs(struct span text, struct strbuf *out)
{
	uint8_t before = 0;

	while (text.size && out->size < LONGEST) {
		const char *by;
		size_t length = mask_next(text, before, &by);

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
