#pragma once

#include <string>

#include "lathe/base/result.h"
#include "lathe/templates/tree.h"

namespace lathe::templates {

/// The text of a tree over the values of a scope. Both outlive the call; nothing else is changed.
[[nodiscard]] base::Result<std::string> evaluate(const Template::Tree& tree, const Scope& scope);

}  // namespace lathe::templates
