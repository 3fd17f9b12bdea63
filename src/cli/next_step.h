#pragma once

#include <string>
#include <string_view>

#include "lathe/base/error.h"

namespace lathe::cli {

/// What a person does about an error of that code when the error itself does not say better, with the command. "" for
/// an end that the person asked for, and for codes that are not known.
[[nodiscard]] std::string_view next_step(std::string_view code);
/// `hint`, or the next step of the code when it is empty.
[[nodiscard]] std::string hint_of(std::string_view code, std::string_view hint);
/// "message (hint)", with the next step where the error names none.
[[nodiscard]] std::string told(const base::Error& error);

}  // namespace lathe::cli
