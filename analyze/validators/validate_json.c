/* JSON text (RFC 8259) where a rule says that it stands. */
#include "analyze/validators/json_text.h"
#include "analyze/validators/validators.h"

/* The value starts at the capture `json` or, without one, at the match's first [ or {. */
static size_t json_start(struct span bytes, const struct match *match)
{
	const struct match_capture *capture = match_find(match, "json");
	size_t at = 0;

	if (capture && capture->text.data)
		return (size_t)(capture->text.data - bytes.data);
	while (at < match->bytes && bytes.data[at] != '[' && bytes.data[at] != '{')
		at++;
	return at;
}

bool validate_json_value(struct span bytes, struct match *match)
{
	size_t start = json_start(bytes, match);
	size_t length = json_text_length(span_part(bytes, start, bytes.size), match);

	match_extend(match, start + length);
	return length > 0;
}
