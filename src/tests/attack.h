// SPDX-License-Identifier: Apache-2.0
/* The attacks of bats/security-*.bats, one function each: argv as main's, from the attack's own name on. They
 * return the exit status: 0 the attack was tried and did not succeed, 9 it won, anything else it could not be
 * tried. */
#ifndef LICHEN_TESTS_ATTACK_H
#define LICHEN_TESTS_ATTACK_H

#define WON 9

/* look SECONDS: looks into every process of the runtime that shows up, in all the ways there are. */
int attack_look(int argc, char **argv);

/* overwrite SECONDS: takes hold of the program of every process and writes it as soon as it can be. */
int attack_overwrite(int argc, char **argv);

#endif
