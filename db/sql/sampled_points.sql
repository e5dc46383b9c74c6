-- How many points a deviation map's pictures rest on, where its figures are of more.
alter table deviation_map add column sampled_points bigint
