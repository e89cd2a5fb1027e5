# SPDX-License-Identifier: Apache-2.0
#
# Reads one program's TAP; appends its results to WORK/results.tap and prints what a person wants to see of it.
# See tap_add in bats/check/run for the variables.

function result(ok, test, directive, line) {
    line = (ok ? "ok" : "not ok") " - " name ": " test directive
    print line >> (work "/results.tap")
    if (!ok)
        report = report "    not ok " test "\n"
}

/^1\.\.[0-9]+/ {
    plan = substr($0, 4) + 0
    planned = 1
    next
}

/^(not )?ok( |$)/ {
    ok = !/^not /
    test = $0
    sub(/^(not )?ok *[0-9]* *(- )?/, "", test)
    seen++
    reason = ""
    if (match(test, / # (skip|SKIP)/)) {
        reason = substr(test, RSTART + RLENGTH + 1)
        test = substr(test, 1, RSTART - 1)
        if (reason ~ /^not for this lane: /) {
            lane = reason
            sub(/^not for this lane: /, "", lane)
            print lane "\t" name ": " test >> (work "/lanes")
            elsewhere++
        } else if (strict == "1") {
            failed++
            result(0, test, " # strict: skipped: " reason)
        } else {
            skipped++
            result(1, test, " # SKIP " reason)
            report = report "    skipped " test ": " reason "\n"
        }
    } else if (ok) {
        passed++
        result(1, test, "")
    } else {
        failed++
        result(0, test, "")
        if (order == "before")
            report = report notes
    }
    failing = !ok
    notes = ""
    next
}

{
    # bats explains below the result, unit.h above it.
    if (order == "after" && failing)
        report = report "      " $0 "\n"
    notes = notes "      " $0 "\n"
}

END {
    if (!planned && !seen) {
        failed++
        result(0, "gave no TAP (status " status ")", "")
        report = report notes
    } else {
        for (i = seen + 1; i <= plan; i++) {
            failed++
            result(0, "test " i " of " plan " did not report (status " status ")", "")
        }
        if (seen < plan || (status != 0 && !failed))
            report = report notes
        if (status != 0 && !failed) {
            failed++
            result(0, "ended with status " status, "")
        }
    }
    printf "%-28s %3d passed", name, passed
    if (failed)
        printf ", %d FAILED", failed
    if (skipped)
        printf ", %d skipped", skipped
    if (elsewhere)
        printf ", %d in another lane", elsewhere
    printf " (%d s)\n%s", seconds, report
}
