#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (!err)
		return false;
	err->kind = kind;
	err->sys = 0;
	err->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(err->what, sizeof err->what, format, args);
	va_end(args);
	return false;
}

static enum err_kind kind_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case ESRCH:
		return ERR_GONE;
	case EPERM:
	case EACCES:
		return ERR_PERMISSION;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case EPIPE:
	case ECONNRESET:
		return ERR_CLOSED;
	case EEXIST:
		return ERR_EXISTS;
	default:
		return ERR_SYSTEM;
	}
}

bool err_sys(struct err *err, int sys, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return false;
	err->kind = kind_of_errno(sys);
	err->sys = sys;
	err->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(err->what, sizeof err->what, format, args);
	va_end(args);
	used = strlen(err->what);
	snprintf(err->what + used, sizeof err->what - used, ": %s", strerror(sys));
	return false;
}

bool err_hint(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return false;
	va_start(args, format);
	vsnprintf(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
	char inner[sizeof err->what];
	va_list args;
	size_t used;

	if (!err)
		return false;
	memcpy(inner, err->what, sizeof inner);
	va_start(args, format);
	vsnprintf(err->what, sizeof err->what, format, args);
	va_end(args);
	used = strlen(err->what);
	snprintf(err->what + used, sizeof err->what - used, ": %s", inner);
	return false;
}
