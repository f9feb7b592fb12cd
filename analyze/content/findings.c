#include "analyze/content/findings.h"

void findings_deinit(struct findings *findings)
{
	vec_deinit(&findings->rules);
	vec_deinit(&findings->groups);
	vec_deinit(&findings->hits);
	vec_deinit(&findings->inside);
	vec_deinit(&findings->inside_groups);
	pool_deinit(&findings->pool);
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = { "info", "low", "medium", "high", "critical" };

	return names[severity];
}

const char *confidence_name(enum confidence confidence)
{
	static const char *const names[] = { "low", "medium", "high" };

	return names[confidence];
}
