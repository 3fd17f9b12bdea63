#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/policy/glob.h"
#include "lathe/policy/rule_file.h"

// What the rules of our own files say about commands, hosts and paths, as it is compared later. What could never match,
// such as a pipe in the words of one command, is `invalid`: a rule that refuses must not be one that does nothing.

namespace lathe::policy {

/// "git commit -m 'a b'" as the words of one command.
[[nodiscard]] base::Result<std::vector<std::string>> command_words(const std::string& text);
/// A program by its name or path.
[[nodiscard]] base::Result<void> check_program(const std::string& name);
/// An exact name or address, or "*.suffix", in its one form.
[[nodiscard]] base::Result<std::string> host_pattern(std::string_view text);
/// "~/x", and x in the home folder by a name of its, is x in each of the homes; of a rule that allows, in the person's.
[[nodiscard]] base::Result<std::vector<Glob>> path_patterns(const std::string& text, const RuleFacts& facts,
                                                            Verdict verdict);

}  // namespace lathe::policy
