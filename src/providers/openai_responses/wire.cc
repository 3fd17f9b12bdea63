#include "lathe/providers/openai_responses/wire.h"

#include "lathe/providers/openai_responses/decoder.h"

namespace lathe::providers::openai_responses {

common::Wire wire(const Quirks& quirks) {
  return {.provider = kProvider,
          .path = "/responses",
          .body_of = [quirks](const ports::ModelRequest& request) { return body_of(request, quirks); },
          .make_decoder = make_decoder};
}

}  // namespace lathe::providers::openai_responses
