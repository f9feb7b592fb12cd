#include "analyze/rules/severity.h"

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
