#include "analyze/memory/anomaly.h"

#include <stdarg.h>
#include <stdio.h>

void anomaly_add(struct anomalies *anomalies, vaddr address, const char *format, ...)
{
	char what[512];
	struct anomaly *row;
	va_list args;

	if (anomalies->rows.count >= ANOMALIES_MAX) {
		anomalies->dropped++;
		return;
	}
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	row = vec_add(&anomalies->rows);
	row->address = address;
	row->what = pool_string(&anomalies->pool, what);
}

void anomalies_deinit(struct anomalies *anomalies)
{
	vec_deinit(&anomalies->rows);
	pool_deinit(&anomalies->pool);
	anomalies->dropped = 0;
}
