#include "dumpcore/disk.h"

#include "base/size.h"

#include <sys/statvfs.h>

enum { DEFAULT_SHARE = 20 }; /* a twentieth */
#define DEFAULT_MOST (UINT64_C(1) << 30)

static bool take(const struct statvfs *status, struct disk *disk)
{
	disk->total = (uint64_t)status->f_blocks * status->f_frsize;
	disk->free = (uint64_t)status->f_bavail * status->f_frsize;
	return disk->total > 0;
}

bool disk_of_file(int fd, struct disk *disk)
{
	struct statvfs status;

	return fstatvfs(fd, &status) == 0 && take(&status, disk);
}

bool disk_of_folder(const char *path, struct disk *disk)
{
	struct statvfs status;

	return statvfs(path, &status) == 0 && take(&status, disk);
}

uint64_t disk_reserve(const struct disk *disk, uint64_t asked)
{
	uint64_t share = disk->total / DEFAULT_SHARE;

	if (asked != DISK_RESERVE_DEFAULT)
		return asked;
	return share < DEFAULT_MOST ? share : DEFAULT_MOST;
}

bool disk_fits(const struct disk *disk, const struct disk_need *need)
{
	if (need->is_estimate && !need->reserve)
		return true;
	return need->bytes <= disk->free && need->reserve <= disk->free - need->bytes;
}

bool disk_check(const struct disk *disk, const struct disk_need *need, const char *path,
				struct err *err)
{
	char needed[SIZE_TEXT], reserved[SIZE_TEXT], available[SIZE_TEXT];

	if (disk_fits(disk, need))
		return true;
	size_format(disk->free, available);
	size_format(need->bytes, needed);
	err_set(err, ERR_NO_SPACE,
			"the archive needs %s%s, %s has %s free, of which %s are to stay free",
			need->is_estimate ? "an estimated " : "", needed, path, available,
			size_format(need->reserve, reserved));
	return err_hint(err,
					"%schoose another disk, take less (--max-size), leave less free "
					"(--reserve-disk), or send it away: -o - | ssh HOST 'cat >x.core.zst'",
					need->is_estimate ? "" : "compress it (-o NAME.core.zst), ");
}
