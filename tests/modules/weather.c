/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool whose arguments change: FORM 1; 2 breaks callers and says how to take
 * their calls over; 3 breaks those of 2 and means to take them over, in a way that
 * never succeeds; 4 is as 2 and says nothing. It answers with what it was given.
 */
#include "tiny.h"

#define TOOL_(name, schema, former)                                                                          \
  "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false," schema       \
  "}" former "}"
#define WEATHER_(tools)                                                                                      \
  COLLET_MANIFEST ("{\"name\":\"weather\",\"version\":\"" VERSION "\",\"concurrent\":true,\"tools\":[" tools \
                   "]}")
#define PRESENT                                                                                              \
  "\"required\":[\"city\",\"days\"],\"properties\":{\"city\":{\"type\":\"string\"},\"days\":"                \
  "{\"type\":\"integer\",\"minimum\":1},\"unit\":{\"enum\":[\"celsius\",\"fahrenheit\"]}}"

#if FORM == 1
WEATHER_ (TOOL_ ("forecast",
                 "\"required\":[\"place\"],\"properties\":{\"place\":{\"type\":\"string\"},"
                 "\"unit\":{\"enum\":[\"C\",\"F\"]},\"verbose\":{\"type\":\"boolean\"}}",
                 "") "," TOOL_ ("look_up", "\"properties\":{\"name\":{\"type\":\"string\"}}", ""));
#elif FORM == 2
WEATHER_ (TOOL_ (
    "forecast", PRESENT,
    ",\"former\":{\"renames\":{\"place\":\"city\"},\"drops\":[\"verbose\"],"
    "\"values\":{\"unit\":{\"C\":\"celsius\",\"F\":\"fahrenheit\"}},\"defaults\":{\"days\":1}}") "," TOOL_ ("find",
                                                                                                            "\"properties\":{\"name\":{\"type\":\"string\"}}",
                                                                                                            ",\"former\":{\"names\":[\"look_up\"]}"));
#elif FORM == 3
WEATHER_ (TOOL_ ("forecast",
                 "\"required\":[\"city\",\"hours\"],\"properties\":{\"city\":{\"type\":\"string\"},"
                 "\"hours\":{\"type\":\"integer\"}}",
                 ",\"former\":{\"drops\":[\"days\",\"unit\"]}"));
#else
WEATHER_ (TOOL_ ("forecast", PRESENT, "") "," TOOL_ ("find",
                                                     "\"properties\":{\"name\":{\"type\":\"string\"}}", ""));
#endif

COLLET_MODULE (.call = tiny_call);
