/* Parts of multipart/form-data (RFC 7578 4, RFC 2046 5.1.1). */
#include "analyze/validators/text_run.h"
#include "analyze/validators/validators.h"

/* Where the next boundary is that begins a line; SIZE_MAX where none is near. Behind a few that
 * stand elsewhere in a line these are the parts of other buffers: freed memory has many. */
static size_t find_boundary(struct span bytes, size_t start, struct span boundary,
							struct match *match)
{
	enum { BODY_MAX = 4 << 20, ELSEWHERE_MAX = 4 };

	for (int i = 0; i <= ELSEWHERE_MAX; i++) {
		struct span rest = span_part(bytes, start, BODY_MAX);
		size_t next = text_find(rest, boundary);

		match_worked(match, next);
		if (next == rest.size)
			break;
		if (bytes.data[start + next - 1] == '\n')
			return start + next;
		start += next + 1;
	}
	return SIZE_MAX;
}

/* From "--boundary" on: header lines, an empty line, and the body where the next boundary is there.
 */
bool validate_multipart_part(struct span bytes, struct match *match)
{
	enum { HEAD_MAX = 8 << 10, BOUNDARY_MAX = 2 + 70 };
	struct cursor cursor = cursor_make(span_part(bytes, 0, HEAD_MAX), false);
	struct span boundary, line;
	size_t next;

	if (!text_run_line(&cursor, &boundary) || boundary.size > BOUNDARY_MAX || boundary.size < 3)
		return false;
	do
		if (!text_run_line(&cursor, &line) || !text_run_is_all(line))
			return false;
	while (line.size);
	match_extend(match, cursor.at);
	/* the line end before a boundary belongs to it; an empty body has the head's own */
	next = find_boundary(bytes, cursor.at - 2, boundary, match);
	if (next != SIZE_MAX)
		match_extend(match, next);
	return true;
}
