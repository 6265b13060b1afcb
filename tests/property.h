// rapidcheck's macros need GoogleTest's header before them; this is the one place that says so.
#ifndef GRASSDB_TESTS_PROPERTY_H_
#define GRASSDB_TESTS_PROPERTY_H_

#include <gtest/gtest.h>
//
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#endif  // GRASSDB_TESTS_PROPERTY_H_
