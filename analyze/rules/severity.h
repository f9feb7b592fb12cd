/* severity: how much a rule's hits matter, and how sure a rule is of them. */
#ifndef ANALYZE_RULES_SEVERITY_H
#define ANALYZE_RULES_SEVERITY_H

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

/* As rule files and reports write it: "info" … "critical", "low" … "high". */
const char *severity_name(enum severity severity);
const char *confidence_name(enum confidence confidence);

#endif
