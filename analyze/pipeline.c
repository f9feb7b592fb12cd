#include "analyze/pipeline.h"

#include "analyze/rules/rule_set.h"
#include "analyze/content/scan.h"

bool pipeline_run(struct pipeline *pipeline, const char *path, const struct rule_set *rules,
				  unsigned workers, struct progress *progress, struct err *err)
{
	const struct page_map *page_map;

	*pipeline = (struct pipeline){ 0 };
	if (!core_open(&pipeline->core, path, workers, progress, err))
		return false;
	page_map = pipeline->core.has_page_map ? &pipeline->core.page_map : NULL;
	image_init(&pipeline->image, &pipeline->core);
	regions_init(&pipeline->regions, &pipeline->core);
	owners_find(&pipeline->owners, &pipeline->image, &pipeline->regions, &pipeline->core);
	heap_walk(&pipeline->heap, &pipeline->image, &pipeline->regions, &pipeline->core, page_map,
			  workers, progress, &pipeline->anomalies);
	if (!rules || !rule_set_count(rules))
		return true;
	return content_scan(&pipeline->findings, rules, &pipeline->image, &pipeline->regions,
						&pipeline->heap.chunks, page_map, workers, progress, err);
}

/* Against the order of the stages: later tables may point into earlier ones. */
void pipeline_deinit(struct pipeline *pipeline)
{
	findings_deinit(&pipeline->findings);
	heap_deinit(&pipeline->heap);
	owners_deinit(&pipeline->owners);
	regions_deinit(&pipeline->regions);
	image_deinit(&pipeline->image);
	core_close(&pipeline->core);
	anomalies_deinit(&pipeline->anomalies);
}
