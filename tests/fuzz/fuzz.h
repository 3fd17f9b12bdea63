#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// A post-condition of a fuzz target: what holds for every input.
#define FUZZ_REQUIRE(condition)                                            \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                        \
    }                                                                      \
  } while (false)

namespace lathe::fuzz {

/// Whether the target has its planted bug: each is linked once with it and once without (canary_on.cc, canary_off.cc).
extern const bool kCanary;

/// The input's first byte picks how the rest is cut into pieces; all pieces together are the rest.
template <class OnPiece>
void cut_into_pieces(std::string_view input, const OnPiece& on_piece) {
  if (input.empty()) return;
  std::uint32_t state = static_cast<unsigned char>(input.front()) + 1U;
  input.remove_prefix(1);
  while (!input.empty()) {
    state = state * 1664525U + 1013904223U;
    const std::size_t size = (state >> 24) % 8;
    on_piece(input.substr(0, size));
    input.remove_prefix(size < input.size() ? size : input.size());
  }
}

}  // namespace lathe::fuzz
