/* fault: named places where a test lets the program, or its target, be killed. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/* Does nothing. In the build for fault tests (make FAULTS=1) tests/support/fault_points.c stands in
 * for base/fault.c: there DUMPCORE_FAULT=NAME kills this program at the point of that name, and
 * DUMPCORE_FAULT=NAME:PID kills that process. */
void fault_point(const char *name);

#endif
