#include "analyze/report/show_model.h"

void show_deinit(struct show *show)
{
	vec_deinit(&show->arena.threads);
	vec_deinit(&show->rules);
	vec_deinit(&show->outgoing.items);
	vec_deinit(&show->incoming.items);
	vec_deinit(&show->chain);
	vec_deinit(&show->missing);
	pool_deinit(&show->pool);
}
