#include "base/size.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char units[] = "KMGTPE";

const char *size_format(uint64_t bytes, char text[SIZE_TEXT])
{
	double value = (double)bytes;
	int unit = -1;

	/* 1023.95 would print as "1024": step to the next unit just before it. */
	while (value >= 1023.5 && unit < (int)sizeof units - 2) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, SIZE_TEXT, "%.0f B", value);
	else
		snprintf(text, SIZE_TEXT, "%.*f %ciB",
				 value < 9.995   ? 2
				 : value < 99.95 ? 1
								 : 0,
				 value, units[unit]);
	return text;
}

bool size_parse(const char *text, uint64_t *bytes)
{
	char *end;
	double value;
	const char *unit;

	if (!isdigit((unsigned char)text[0]))
		return false;
	value = strtod(text, &end);
	if (strspn(text, "0123456789.") != (size_t)(end - text))
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		value *= (double)(UINT64_C(1) << (10 * (unit - units + 1)));
		end++;
		if (*end == 'i')
			end++;
	}
	if (*end == 'B' || *end == 'b')
		end++;
	if (*end != '\0' || value >= 18446744073709551616.0)
		return false;
	*bytes = (uint64_t)value;
	return true;
}

const char *count_format(uint64_t count, char text[SIZE_TEXT + 8])
{
	char digits[SIZE_TEXT];
	int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	char *out = text;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

const char *count_of(uint64_t count, const char *noun, char text[COUNT_TEXT])
{
	char digits[SIZE_TEXT + 8];

	snprintf(text, COUNT_TEXT, "%s %.30s%s", count_format(count, digits), noun,
			 count == 1 ? "" : "s");
	return text;
}
