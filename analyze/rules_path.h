/* rules_path: where rules are when the command line does not say. */
#ifndef ANALYZE_RULES_PATH_H
#define ANALYZE_RULES_PATH_H

/* The first that is there of: $DUMPCORE_RULES (taken as it is, there or not), the installed folder,
 * rules/ beside the folder this program was built into. NULL where there is none; else the caller
 * frees it. */
char *rules_path_find(void);

#endif
