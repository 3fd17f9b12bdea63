#pragma once

#include <functional>
#include <string>

#include "lathe/protocol/events.h"

namespace lathe::protocol {

/// Hands every text inside the event to `edit`, wherever it stands; names of members and enums are no texts.
void edit_strings(EventMsg& msg, const std::function<void(std::string&)>& edit);

}  // namespace lathe::protocol
