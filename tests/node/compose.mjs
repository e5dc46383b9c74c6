// Composes many graphs. In: [[{name, url, sdl}]] as JSON on stdin. Out: for each {supergraph} or {errors: [code, ...]}.
import { readFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';

function composed(services) {
  try {
    const result = composeServices(services.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })));
    if (result.errors?.length) return { errors: result.errors.map((error) => error.extensions?.code ?? 'NONE') };
    return { supergraph: result.supergraphSdl };
  } catch (error) {
    return { errors: ['THROWN'] };
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(composed)));
