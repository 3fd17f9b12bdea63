#pragma once

#include "lathe/policy/rule.h"
#include "lathe/syntax/shell.h"

namespace lathe::policy {

/// Whether another program than the rule's is given the words of the rule's command, so that it may run them: make
/// CC='git push', python -c, awk with system(). Where one word is all that a rule has, only in text that is a program,
/// or where the other program may start one by its name alone (tar -I, entr).
[[nodiscard]] bool mentions(const Rule& rule, const syntax::SimpleCommand& command);

}  // namespace lathe::policy
