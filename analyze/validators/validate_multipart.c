/* Parts of multipart/form-data (RFC 7578 4, RFC 2046 5.1.1). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

/* From "--boundary" on: header lines, an empty line, and the body where the next boundary is there.
 */
bool validate_multipart_part(struct span bytes, struct match *match)
{
	enum { HEAD_MAX = 8 << 10, BODY_MAX = 4 << 20, BOUNDARY_MAX = 2 + 70 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, HEAD_MAX), false);
	struct span boundary, line;
	size_t start, next;

	if (!text_run_line(&cursor, &boundary) || boundary.size > BOUNDARY_MAX || boundary.size < 3)
		return false;
	do
		if (!text_run_line(&cursor, &line) || !text_run_is_all(line))
			return false;
	while (line.size);
	match_extend(match, cursor.at);
	/* the line end before a boundary belongs to it; an empty body has the head's own */
	start = cursor.at - 2;
	do {
		next = text_find(span_part(bytes, start, BODY_MAX), boundary);
		if (start + next >= bytes.size || next >= BODY_MAX)
			return true;
		start += next + 1;
	} while (bytes.data[start - 2] != '\n');
	match_extend(match, start - 1);
	return true;
}
