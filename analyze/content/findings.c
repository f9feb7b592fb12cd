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
