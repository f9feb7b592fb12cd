#include "base/fault.h"

void fault_point(const char *name)
{
	(void)name;
}
