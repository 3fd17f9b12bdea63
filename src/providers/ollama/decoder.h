#pragma once

#include <memory>
#include <string>

#include "lathe/providers/common/decoder.h"

namespace lathe::providers::ollama {

/// The answer's stream. `call_seed` names the calls that come without an id.
[[nodiscard]] std::unique_ptr<common::Decoder> make_decoder(std::string call_seed);

}  // namespace lathe::providers::ollama
