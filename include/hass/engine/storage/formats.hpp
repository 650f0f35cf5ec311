/// \file formats.hpp
/// How sparse tensors are stored: exact bits of a given tensor, expected bits at a density, and the
/// bits themselves (encode, decode), so that every size claimed here can be counted.
///
///     uncompressed            n w
///     bitmask                 n + nnz w
///     run_length              (nnz + fillers) (w + run bits)
///     coordinate              nnz (w + sum over ranks ceil(log2 extent))
///     csr, csc                nnz (w + ceil(log2 columns)) + (rows + 1) ceil(log2(nnz + 1))
///     csf                     the same, rank upon rank
///     gh_offsets              G of H slots: (w + ceil(log2 H)) each
///     hierarchical_offsets    G1 of H1 blocks of G0 of H0 slots
///     periodic_index          kept taps only, and one table of patterns
///
/// Words are raw bits; 0 is the value that is left out. Extents, word width and the numbers of
/// entries are taken as known (a descriptor of the layer) and not counted.
#pragma once

#include <hass/engine/storage/compressed_formats.hpp>
#include <hass/engine/storage/flat_formats.hpp>
#include <hass/engine/storage/format.hpp>
#include <hass/engine/storage/structured_formats.hpp>
