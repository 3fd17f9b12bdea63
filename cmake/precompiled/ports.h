#pragma once

#include "lathe/ports/driver.h"
#include "lathe/ports/session_store.h"
#include "lathe/ports/tool.h"
#include "protocol.h"
