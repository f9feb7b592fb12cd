#include "dumpcore/pagemap_scan.h"

#include <sys/ioctl.h>

struct argument {
	uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct argument)

long pagemap_scan(int fd, struct range range, const struct pagemap_query *query,
				  struct pagemap_region *regions, uint64_t count, vaddr *end)
{
	struct argument argument = { .size = sizeof argument,
								 .flags = query->flags,
								 .start = range.start,
								 .end = range.end,
								 .regions = (uint64_t)(uintptr_t)regions,
								 .region_count = count,
								 .category_mask = query->all,
								 .category_anyof_mask = query->any,
								 .return_mask = query->tell };
	long got = ioctl(fd, SCAN_IOCTL, &argument);

	*end = argument.walk_end;
	return got;
}
