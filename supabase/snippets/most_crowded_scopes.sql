-- Where the book is concentrated: scopes of one and two dimensions that hold most of it.
select scope, round((100 * exposure)::numeric, 2) as percent_of_book, positions
from scope_exposure
where cardinality(array(select jsonb_object_keys(scope))) <= 2 and exposure > 0
order by exposure desc, mask
limit 50;
