#pragma once

#include <string>

namespace lathe::chain {

/// The tables of docs/reference/chains.md: every field, handler with its evals, and class of finding, made of the lists
/// that the loader and the checks use.
[[nodiscard]] std::string reference_tables();

}  // namespace lathe::chain
